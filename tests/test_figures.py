"""Figures: true to their rows, safe with any name, and the same in the report and in DVC."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tasks.measures.figures import TEMPLATES, draw
from tasks.report import offline
from tasks.stage.tables import write_table
from tests.browser import browse
from tests.conftest import ROOT

NASTY = ["<b>x</b>", "the \"quoted\" & 'cat'", "🐶 dog"]
ROWS = {
    "history_network": [
        {
            "epoch": e,
            "train_loss": 1 / e,
            "train_accuracy": 1 - 0.4 / e,
            "val_loss": 0.4 + 0.03 * abs(5 - e),
            "val_accuracy": 0.8,
        }
        for e in range(1, 9)
    ],
    "history_neighbours": [
        {"metric": metric, "k": k, "fold": fold, "accuracy": 0.9 - k / 100 + fold / 500}
        for metric in ("L1", "L2")
        for k in (1, 3, 10)
        for fold in (1, 2, 3)
    ],
    "confusion": [
        {"actual": actual, "predicted": predicted}
        for actual in NASTY
        for predicted in [actual] * 7 + NASTY[:1] * 2
    ],
    "calibration": [
        {
            "probabilities": which,
            "low": low,
            "high": low + 0.1,
            "confidence": sure,
            "accuracy": right,
            "n": n,
        }
        for which, low, sure, right, n in (
            ("as given", 0.5, 0.56, 0.5, 12),
            ("as given", 0.9, 0.97, 0.9, 300),
            ("calibrated", 0.5, 0.52, 0.5, 12),
            ("calibrated", 0.8, 0.9, 0.9, 300),
        )
    ],
    "classes": [
        {"class": name, "measure": measure, "value": value}
        for name, value in zip(NASTY, (1.0, 0.375, 0.0), strict=True)
        for measure in ("precision", "recall")
    ],
}
ROWS["history_convnet"] = ROWS["history_perceptron"] = ROWS["history_network"]


def words(svg: str) -> list[str]:
    """Return the texts of a drawing in order; fails unless it is well-formed."""
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in found]


def as_text(rows: list[dict[str, object]]) -> list[dict[str, str]]:
    return [{key: str(value) for key, value in row.items()} for row in rows]


# ---- drawn by us ----------------------------------------------------------------------


def test_there_is_a_template_for_every_plot_of_the_pipeline():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    plots = [p for stage in stages.values() for p in stage.get("do", stage).get("plots", [])]
    named = {plot["template"] for entry in plots for plot in entry.values()}
    wanted = {
        name.replace("${item.train.model}", model)
        for name in named
        for model in ("convnet", "network", "neighbours", "perceptron")
    }
    assert wanted == {f"tasks/measures/plots/{template}.json" for template in ROWS}
    assert {path.stem for path in TEMPLATES.glob("*.json")} == set(ROWS)


@pytest.mark.parametrize("model", ["convnet", "perceptron"])
def test_all_networks_are_drawn_alike(model):
    one, other = (TEMPLATES / f"history_{name}.json" for name in ("network", model))
    assert one.read_text() == other.read_text()


@pytest.mark.parametrize("template", ROWS)
def test_the_same_rows_give_the_same_bytes(template):
    assert draw(template, ROWS[template]) == draw(template, ROWS[template])


@pytest.mark.parametrize("template", ROWS)
def test_numbers_may_be_text_as_in_a_csv_file(template):
    assert draw(template, as_text(ROWS[template])) == draw(template, ROWS[template])


@pytest.mark.parametrize("template", ROWS)
def test_every_colour_is_the_pages_so_that_figures_go_dark_with_it(template):
    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', draw(template, ROWS[template])))
    named = {"ink", "page", "muted", "accent", "line"}
    assert colours - {"none", "transparent"} <= {f"var(--{name})" for name in named}
    assert "var(--accent)" in colours


@pytest.mark.parametrize("template", ROWS)
def test_many_drawings_share_a_page_without_sharing_names(template):
    assert not re.search(r'\bid="', draw(template, ROWS[template]))


@pytest.mark.parametrize("template", ["confusion", "classes"])
def test_a_class_may_have_any_name(template):
    svg = draw(template, ROWS[template])
    assert "<b>" not in svg
    assert {"<b>x</b>", "🐶 dog"} <= set(words(svg))


def test_the_confusion_matrix_counts():
    counts = [text for text in words(draw("confusion", ROWS["confusion"])) if text.isdigit()]
    assert sorted(counts) == ["2", "2", "7", "7", "9"]


def test_a_class_that_is_never_predicted_keeps_its_column():
    rows = [{"actual": name, "predicted": "a"} for name in "abc"]
    labels = words(draw("confusion", rows))
    assert [labels.count(name) for name in "abc"] == [2, 2, 2]  # on both axes


def test_a_matrix_of_many_classes_has_no_numbers():
    rows = [{"actual": f"c{i}", "predicted": f"c{i}"} for i in range(30)]
    assert not any(text.isdigit() for text in words(draw("confusion", rows)))


def test_bars_carry_their_values():
    assert {"100.0%", "37.5%", "0.0%"} <= set(words(draw("classes", ROWS["classes"])))


def test_the_lowest_validation_loss_is_marked():
    assert words(draw("history_network", ROWS["history_network"])).count("lowest") == 1


def test_every_setting_has_an_error_bar():
    svg = draw("history_neighbours", ROWS["history_neighbours"])
    bars = re.search(r'class="mark-rule role-mark[^"]*"[^>]*>(.*?)</g>', svg)
    assert bars is not None
    assert bars[1].count("<line") == 6  # 2 metrics, 3 k


def test_a_single_setting_is_a_single_point():
    rows = [{"metric": "L1", "k": 1, "fold": fold, "accuracy": 0.35} for fold in (1, 2)]
    assert "35%" in words(draw("history_neighbours", rows))


# ---- drawn by DVC ---------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with one revision of every plot in git, and another in the workspace."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TEMPLATES, tmp_path / "tasks/measures/plots")
    Path(".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", ".dvc/config")
    plots = [
        {f"{template}.csv": {"template": f"tasks/measures/plots/{template}.json"}}
        for template in ROWS
    ]
    Path("dvc.yaml").write_text(yaml.safe_dump({"plots": plots}), "utf-8")
    write_rows(1)
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)
    write_rows(2)
    offline.write()
    return tmp_path


def write_rows(times: int) -> None:
    for template, rows in ROWS.items():
        values = [list(row.values()) for row in rows] * times
        write_table(Path(f"{template}.csv"), rows[0], values)


def test_dvc_plots_diff_draws_every_plot_without_a_network(repository, chromium, tmp_path):
    subprocess.run([sys.executable, "-m", "dvc", "plots", "diff", "HEAD"], check=True)
    page = repository / "dvc_plots" / "index.html"
    assert "//cdn." not in page.read_text("utf-8")
    shown = browse(chromium, page.as_uri(), tmp_path / "profile").stdout
    drawings = re.findall(r'<svg[^>]*class="marks".*?</svg>', shown, re.DOTALL)
    assert len(drawings) == len(ROWS)
    assert all("HEAD" in drawing and "workspace" in drawing for drawing in drawings)
