"""The report: true to its inputs, whole, safe with any name, and the same every time."""

import json
import random
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from tasks import publish
from tasks.params import load_params
from tasks.quality.findings import Copy
from tasks.report.tables import rows_of
from tasks.stage import AUGMENTED, CHECKS, METRICS, PLOTS, REPORT, SPLITS, StageError, written
from tasks.stage.tables import write_table
from tests.browser import browse
from tests.conftest import ROOT, Workspace, draw_shape, read_own_params

SIDE = 72
TEMPLATE = ROOT / "tasks/report/page.html.j2"
NASTY = ["<b>x</b>", "the \"quoted\" & 'cat'", "🐶 dog|#"]
DIGITS = [str(digit) for digit in range(10)]


# ---- inputs as the stages write them ---------------------------------------------------


def scored(name: str, classes: list[str], seed: int = 0) -> None:
    """Write what `evaluate` and the stages before it leave of one experiment."""
    chance = random.Random(seed)
    experiment = load_params().experiment(name)
    network = experiment.train.model == "network"
    confusion = [
        (actual, actual if chance.random() < 0.9 else chance.choice(classes))
        for actual in classes
        for _ in range(60)
    ]
    write_metrics(name, confusion, network)
    write_table(PLOTS / name / "confusion.csv", ("actual", "predicted"), confusion)
    bins = [
        (which, i / 10, i / 10 + 0.1, i / 10 + shift, i / 10, 3**i)
        for which, shift in (("as given", 0.06), ("calibrated", 0.01))
        for i in range(10)
    ]
    header = ("probabilities", "low", "high", "confidence", "accuracy", "n")
    write_table(PLOTS / name / "calibration.csv", header, bins)
    values = [(c, m, chance.uniform(0.2, 1)) for c in classes for m in ("precision", "recall")]
    write_table(PLOTS / name / "classes.csv", ("class", "measure", "value"), values)
    (write_epochs if network else write_folds)(name, chance)
    write_mistakes(name, classes, chance)
    if not network:
        write_neighbours(name, classes, chance)
    sheet(4, 5).save(ready(AUGMENTED / f"{name}.png"))


def write_metrics(name: str, confusion: list[tuple[str, str]], network: bool) -> None:
    accuracy = sum(actual == predicted for actual, predicted in confusion) / len(confusion)
    metrics = {
        "accuracy": accuracy,
        "accuracy_high": accuracy + 0.015,
        "accuracy_low": accuracy - 0.017,
        "balanced_accuracy": accuracy,
        "coverage": 0.956,
        "coverage_asked": 0.95,
        "coverage_by_chance": 0.92,
        "expected_calibration_error": 0.021,
        "expected_calibration_error_calibrated": 0.009,
        "log_loss": 0.31,
        "log_loss_calibrated": 0.29,
        "mean_set_size": 1.2,
        "sure": 0.9,
        "sure_accuracy": 0.97,
        "macro_f1": accuracy,
        "n": len(confusion),
        "val_accuracy": accuracy + 0.002,
    }
    if network:
        metrics |= {"train_accuracy": 0.999, "gap": 0.999 - accuracy}
    written(METRICS / f"{name}.json", json.dumps(metrics, sort_keys=True))


def write_epochs(name: str, chance: random.Random) -> None:
    header = [
        "epoch",
        "size",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
    ]
    rows = [
        (e, 8, 0.001, 1 / e, 1 - 0.4 / e, 0.4 + 0.03 * abs(5 - e), 0.8 + chance.random() / 50)
        for e in range(1, 16)
    ]
    write_table(PLOTS / name / "history.csv", header, rows)


def write_folds(name: str, chance: random.Random) -> None:
    rows = [
        (metric, k, fold, 0.98 - 0.002 * k + chance.gauss(0, 0.005))
        for metric in ("L1", "L2")
        for k in (1, 3, 5, 10)
        for fold in range(1, 6)
    ]
    write_table(PLOTS / name / "history.csv", ("metric", "k", "fold", "accuracy"), rows)


def write_mistakes(name: str, classes: list[str], chance: random.Random) -> None:
    folder = PLOTS / name / "pictures"
    rows = []
    for i in range(12):
        label, predicted = chance.sample(classes, 2)
        rows.append((f"<i>/{i} 'a\".jpg", label, predicted, 0.999 - i / 20, 0.001))
    header = ("id", "label", "predicted", "probability", "probability_of_label")
    write_table(folder / "mistakes.csv", header, rows)
    sheet(1, 12).save(folder / "mistakes.png")


def write_neighbours(name: str, classes: list[str], chance: random.Random) -> None:
    folder = PLOTS / name / "pictures"
    rows: list[tuple[object, ...]] = []
    for row in range(4):
        label = chance.choice(classes)
        rows.append((row, 0, f"test/{row}", label, "", label))
        for rank in range(1, 6):
            near = label if rank < 5 else chance.choice(classes)
            rows.append((row, rank, f"train/{row}{rank}", near, 10.5 * rank, ""))
    header = ("row", "rank", "id", "label", "distance", "predicted")
    write_table(folder / "neighbours.csv", header, rows)
    sheet(4, 6).save(folder / "neighbours.png")
    whats = ["original", "shifted", "darkened", "partly covered"]
    lesson = [(what, 0.0 if what == "original" else 2310.4) for what in whats]
    write_table(folder / "lesson.csv", ("what", "distance"), lesson)
    sheet(1, 4).save(folder / "lesson.png")


def sheet(rows: int, columns: int) -> Image.Image:
    picture = Image.new("RGB", (columns * SIDE, rows * SIDE))
    for i in range(rows * columns):
        shape = ("circle", "square", "triangle")[i % 3]
        at = (i % columns * SIDE, i // columns * SIDE)
        picture.paste(draw_shape(shape, i, SIDE, SIDE), at)
    return picture


def write_split(dataset: str, classes: list[str]) -> None:
    summary = {
        "counts": {
            split: dict.fromkeys(classes, n)
            for split, n in (("train", 120), ("val", 15), ("test", 36))
        },
        "test_is": "the authors' test set",
        "val_is": "0.1 of the training pictures, by content",
    }
    written(SPLITS / f"{dataset}.summary.json", json.dumps(summary))
    found = {
        "conflicting_labels": {"exact": 1, "near": 0, "mirrored": 0},
        "copies": {"exact": {"train and test": 1, "within train": 2}, "near": {}, "mirrored": {}},
        "leaked_test_images": 1,
        "leaked_test_share": 0.01,
        "leaked_val_images": 0,
        "verdict": "leaks",
    }
    written(CHECKS / f"{dataset}.json", json.dumps(found))
    leak = Copy("train/7", "train", classes[0], "test/3", "test", classes[1], "exact", 1.0)
    write_table(CHECKS / dataset / "pairs.csv", Copy._fields, [leak])


def ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder where a network and neighbours are scored, one is to come: published."""
    root = tmp_path_factory.mktemp("published")
    every = read_own_params()["experiments"]
    chosen = {name: every[name] for name in ("digits_knn", "digits_cnn", "mnist_mlp")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        Workspace(root).write_params({"experiments": chosen})
        scored("digits_knn", NASTY)
        scored("digits_cnn", DIGITS)
        write_split("digits", NASTY)
        publish.run()
    return root


@pytest.fixture
def project(published: Path, workspace: Workspace) -> Workspace:
    """Enter a copy of the published folder, to change it."""
    shutil.copytree(published, workspace.root, dirs_exist_ok=True)
    return workspace


@dataclass
class Seen(HTMLParser):
    """What a page consists of."""

    tags: Counter[str] = field(default_factory=Counter)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)  # tag, name, value
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str, tag: str = "") -> list[str]:
        return [v for t, n, v in self.attributes if n == name and tag in {"", t}]


@pytest.fixture
def page(published: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Enter the published folder and read its page."""
    monkeypatch.chdir(published)
    seen = Seen()
    seen.feed(html())
    seen.text = " ".join(seen.text.split())
    return seen


def html() -> str:
    return (REPORT / "index.html").read_text("utf-8")


# ---- what it says ---------------------------------------------------------------------


def test_the_table_has_ours_with_interval_and_n_beside_the_published_number(page):
    metrics = json.loads((METRICS / "digits_cnn.json").read_text("utf-8"))
    for share in ("accuracy", "accuracy_low", "accuracy_high"):
        assert f"{100 * metrics[share]:.2f}" in page.text
    assert "of 600 test pictures" in page.text
    assert "97.85 %" in page.text
    assert "the Keras tutorial this recipe follows, the 10,000 test images" in page.text


def test_an_experiment_that_is_not_scored_is_listed_as_to_come(page):
    assert "falling learning rate mnist_mlp not trained yet" in page.text
    assert "#mnist_mlp" not in page.values("href")


def test_a_network_has_its_figures_mistakes_and_verdict(page):
    article = page.text.split("Small residual network digits_cnn")[-1]
    for heading in ("Learning", "Confusion", "Calibration", "Classes", "Worst mistakes"):
        assert heading in article
    assert "overfitting." in article
    assert "The validation loss turned after epoch 5 of 15" in article
    assert "What to try:" in article


def test_a_mistake_says_what_it_is_and_what_it_was_taken_for_and_how_surely(page):
    first = rows_of(PLOTS / "digits_cnn" / "pictures" / "mistakes.csv")[0]
    assert f"{first['label']}, says {first['predicted']} 99.9 %" in page.text
    assert f"{first['id']}: {first['label']}, taken for {first['predicted']}" in page.values("alt")


def test_neighbours_show_distances_the_choice_of_k_and_the_lesson(page):
    article = page.text.split("Small residual network digits_cnn")[1]
    assert "Best of 8 settings" in article
    assert re.search(r"says (.+?) \1 10\.5 \1 21\.0 \1 31\.5 \1 42\.0", article)
    assert "original shifted L2 distance 2,310 darkened L2 distance 2,310" in article
    assert "training picture at distance 10.5: " in " ".join(page.values("alt"))


def test_the_data_section_counts_classes_and_names_copies(page):
    assert "360 train, 45 val, 108 test" in page.text
    assert "Pairs of copies: 3 exact." in page.text
    assert "In 1 pair the two carry different labels" in page.text
    assert "train/7 (<b>x</b>, train) and test/3" in page.text


def test_the_accuracy_without_leaked_pictures_stands_beside_the_other(project):
    path = METRICS / "digits_cnn.json"
    known = json.loads(path.read_text("utf-8"))
    written(path, json.dumps(known | {"leaked": 3, "unleaked_accuracy": 0.4321}))
    publish.run()
    assert 'data-label="unleaked">43.21\u00a0%' in html()
    assert "43.21 % |" in (REPORT / "report.md").read_text("utf-8")


def test_pictures_that_are_not_here_are_named_instead(project):
    shutil.rmtree(PLOTS / "digits_knn" / "pictures")
    (AUGMENTED / "digits_knn.png").unlink()
    (PLOTS / "digits_knn" / "calibration.csv").unlink()
    publish.run()
    lacking = "calibration, contact sheet and pictures of mistakes and neighbours"
    assert f"Not shown, because the files are not here: {lacking}." in html()
    assert html().count("Not shown") == 1


def test_a_model_without_mistakes_is_no_trouble(project):
    pictures = PLOTS / "digits_cnn" / "pictures"
    (pictures / "mistakes.png").unlink()
    rows = [(digit, digit) for digit in DIGITS]
    write_table(PLOTS / "digits_cnn" / "confusion.csv", ("actual", "predicted"), rows)
    publish.run()
    assert "All 10 test pictures are right." in html()


def test_markdown_has_the_table_and_the_verdicts(page):
    text = (REPORT / "report.md").read_text("utf-8")
    assert "| `mnist_mlp` | not trained yet |  |  | 97.85 % |  |" in text
    assert "**Clear overfitting.** It gets 99.9 % of its training pictures right" in text
    assert "## Nearest neighbours (`digits_knn`)" in text


def test_a_title_upsets_neither_the_page_nor_the_markdown(project, own_params):
    chosen = {"digits_knn": own_params["experiments"]["digits_knn"]}
    chosen["digits_knn"]["title"] = "a | b *c* <img>"
    project.write_params({"experiments": chosen})
    publish.run()
    text = (REPORT / "report.md").read_text("utf-8")
    assert "a | b *c* &lt;img&gt;" in html()
    assert r"## a \| b \*c\* \<img\> (`digits_knn`)" in text


# ---- how it is made -------------------------------------------------------------------


def test_nothing_scored_is_an_error_that_says_what_to_run(workspace):
    with pytest.raises(StageError, match=r"nothing to report: expected .* Run evaluate first"):
        publish.run()


def test_the_same_inputs_give_the_same_bytes_and_the_command_says_where(project, cli):
    before = html(), (REPORT / "report.md").read_bytes()
    shutil.rmtree(REPORT)
    said = cli("publish", PYTHONHASHSEED="7").stdout
    assert (html(), (REPORT / "report.md").read_bytes()) == before
    assert "digits_cnn" in said
    assert said.rstrip().endswith("report: data/report/index.html")


def test_importing_it_loads_no_heavy_library():
    code = "import sys, tasks.publish; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "prefect", "dvc", "numba"}
    assert "tasks.publish" in run.stdout
    assert heavy.isdisjoint(run.stdout.split())


# ---- safe, whole, and readable by everybody -------------------------------------------


def test_names_are_text_and_never_markup(page):
    assert page.tags["b"] == 0
    assert page.tags["i"] == 0
    assert page.tags["script"] == 1  # ours, which sorts
    for name in NASTY:
        assert name in page.text
    assert "<b>x</b>, taken for the \"quoted\" & 'cat'" in " ".join(page.values("alt"))


def test_the_page_asks_nobody_for_anything(page):
    assert all(value.startswith("data:") for value in page.values("src"))
    assert all(value.startswith(("data:", "#")) for value in page.values("href"))
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", html())
    assert "default-src 'none'" in html()


def test_every_picture_and_drawing_says_what_it_shows(page):
    assert page.tags["img"] > 40
    assert len([alt for alt in page.values("alt", "img") if alt]) == page.tags["img"]
    assert page.values("role").count("img") == 8
    assert all(page.values("aria-label"))


def test_links_lead_somewhere_and_names_are_unique(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in page.values("href") if link.startswith("#")}
    assert {"digits_knn", "digits_cnn", "digits"} <= targets <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_headings_skip_no_level():
    levels = [int(level) for level in re.findall(r"<h(\d)", TEMPLATE.read_text("utf-8"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


# ---- in a browser ---------------------------------------------------------------------

PHONE = """<!doctype html><iframe width="390" height="2000" style="border:0"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, images = [...page.images];
  document.title = JSON.stringify({
    images: images.length,
    broken: images.filter(image => image.naturalWidth === 0).length,
    buttons: [...page.querySelectorAll("thead button")].filter(b => b.offsetHeight >= 24).length,
    width: page.documentElement.scrollWidth,
    styled: getComputedStyle(page.querySelector(".verdict")).borderLeftStyle,
  });
};
frame.srcdoc = PAGE;
</script>"""


CLICK = "document.querySelectorAll('.results thead button')[1].click();"
READ = """
const cells = document.querySelectorAll(".results tbody:first-of-type .accuracy");
document.title = [...cells].map((cell) => parseFloat(cell.textContent)).join(' ');"""


@pytest.mark.parametrize("presses", [1, 2], ids=["downwards", "upwards"])
def test_the_results_of_a_dataset_sort_by_a_press_on_a_heading(page, chromium, tmp_path, presses):
    script = CLICK * presses + READ
    digest = b64encode(sha256(script.encode()).digest()).decode()
    watched = html().replace("script-src '", f"script-src 'sha256-{digest}' '")
    pressed = tmp_path / "pressed.html"
    pressed.write_text(watched.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    run = browse(chromium, pressed.as_uri(), tmp_path / "profile")
    assert "CONSOLE" not in run.stderr
    shown = [float(number) for number in re.search("<title>(.*?)</title>", run.stdout)[1].split()]
    assert len(set(shown)) > 1
    assert shown == sorted(shown, reverse=presses == 1)


def test_a_phone_shows_every_picture_and_button_without_a_complaint(page, chromium, tmp_path):
    source = json.dumps(html()).replace("</", "<\\/")
    phone = tmp_path / "phone.html"
    phone.write_text(PHONE.replace("PAGE", source), "utf-8")
    run = browse(chromium, phone.as_uri(), tmp_path / "profile")
    found = re.search("<title>(.*?)</title>", run.stdout)
    assert found is not None, run.stderr
    seen = json.loads(found[1])
    assert seen == {
        "images": page.tags["img"],
        "broken": 0,
        "buttons": page.tags["button"],  # tables sort here, too
        "width": 390,
        "styled": "solid",
    }
    assert "CONSOLE" not in run.stderr  # a refused request would be told there, too
