"""The page of a review: two commits of a real repository, read through DVC, seen by a browser."""

import json
import re
import shutil
import sys
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest
import yaml

from tasks.compare import main
from tasks.measures.ledger import Look
from tasks.report.sorting import SCRIPT_DIGEST
from tasks.stage import CALIBRATION, LEDGER, written
from tasks.stage.tables import write_table
from tests.browser import browse
from tests.conftest import Project
from tests.test_compare import csv, git

DVC_YAML = """
stages:
  train:
    foreach: ${experiments}
    do:
      cmd: cp source/history-${item.train.epochs}.csv data/plots/${key}/history.csv
      deps:
        - code.py
      params:
        - experiments.${key}.train
      outs:
        - data/plots/${key}/history.csv
  evaluate:
    foreach: ${experiments}
    do:
      cmd: cp source/${item.train.epochs}.csv data/predictions/${key}.csv
      deps:
        - source/${item.train.epochs}.csv
        - data/plots/${key}/history.csv
      outs:
        - data/predictions/${key}.csv
"""
HEAD = "epoch,size,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy"
CLICK = "document.querySelectorAll('thead button')[{}].click();"


@pytest.fixture(scope="module")
def history(pristine_project, tmp_path_factory):
    """Make a repository once: two commits, of which the second trains `net` a third epoch."""
    root = tmp_path_factory.mktemp("history") / "a project"
    project = Project(shutil.copytree(pristine_project.root, root, symlinks=True))
    for name in ("photos.dvc", "photos"):
        (root / name).unlink()
    for folder in ("data/predictions", "data/prepared/pets", "source"):
        (root / folder).mkdir(parents=True)
    (root / "dvc.yaml").write_text(DVC_YAML)
    for name in ("net", "still", "worse"):
        (root / "data/plots" / name).mkdir(parents=True)
    for epochs, wrong in ((2, range(30)), (3, range(4)), (4, range(25, 55))):
        (root / f"source/{epochs}.csv").write_text(csv(wrong))
        rows = [f"{i},8,0.1,{1 / i},0.{i},{2 / i},0.{i}" for i in range(1, epochs + 1)]
        (root / f"source/history-{epochs}.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    pixels = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), np.uint8)
    np.save(root / "data/prepared/pets/images.npy", pixels)
    ids = "".join(f"test/{i:04},cat,{i}\n" for i in range(200))
    (root / "data/prepared/pets/samples.csv").write_text(f"id,label,digest\n{ids}")
    commit(project, "first", "one", net=2, still=2, worse=2)
    commit(project, "second", "two", net=3, still=2, worse=4)
    return project


def commit(project, tag, code, **epochs):
    experiments = {n: {"dataset": "pets", "train": {"epochs": e}} for n, e in epochs.items()}
    (project.root / "params.yaml").write_text(yaml.safe_dump({"experiments": experiments}))
    (project.root / "code.py").write_text(code)
    done = project.dvc("repro", "--quiet")
    assert done.returncode == 0, done.stderr
    git("add", "--all", cwd=project.root)
    git("commit", "--quiet", "--message", tag, cwd=project.root)
    git("tag", tag, cwd=project.root)


@pytest.fixture
def page(history, monkeypatch, tmp_path):
    """Return a function that writes the page of a review and returns its text."""

    def write(*arguments):
        monkeypatch.chdir(history.root)
        path = tmp_path / "review.html"
        monkeypatch.setattr(sys, "argv", ["compare", *arguments, "--html", str(path)])
        assert main() == 0
        return path.read_text("utf-8")

    return write


def article(text, name):
    """Return what the page says of one experiment."""
    return text.split(f'<article id="{name}"')[1].split("</article>")[0]


def test_a_change_is_shown_with_verdict_cause_curves_and_pictures(page):
    net = article(page("first", "second"), "net")
    assert "26 became right and 0 wrong" in net
    assert re.search(r"<code>train.epochs</code></th><td>2</td><td>3</td>", net)
    assert "Code: <code>code.py</code>." in net
    assert net.count("<svg") == 2
    assert net.count("<img") == 24
    assert "2 more are not shown." in net


def test_pictures_with_other_pixels_than_were_scored_are_not_shown(page, history):
    table = history.root / "data/prepared/pets/samples.csv"
    text = table.read_text()
    table.write_text(text.replace("test/0010,cat,10\n", "test/0010,cat,another\n"))
    try:
        net = article(page("first", "second", "--flips", "99"), "net")
        assert (net.count("<img"), net.count("test/0010")) == (25, 0)
        assert "1 more are not shown." in net
        assert "with the pixels that were scored: 1 of these." in net
        here = article(page("first", "--flips", "99"), "net")
        assert here.count("<img") == 25
        assert "1 image with other pixels: compared on the 199 in common" in here
        table.write_text("id,label,digest\n")
        assert "pixels that were scored: 24 of these." in article(page("first", "second"), "net")
    finally:
        table.write_text(text)


def test_looks_at_an_earlier_test_set_are_not_counted(page, history):
    looks = [Look("before", "net", f"m{i}", "") for i in range(8)]
    looks += [Look("now", "net", "m8", ""), Look("now", "worse", "m9", "")]
    made = history.root / LEDGER, history.root / CALIBRATION
    write_table(made[0] / "pets.csv", Look._fields, looks)
    try:
        assert "pets: 8 and 2 models on 2 test sets that may be meant" in page("first")
        written(made[1] / "net.json", json.dumps({"model": "m8"}))
        assert "Scored so far on each test set: pets: 2 models." in page("first")
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def test_what_did_not_change_has_a_row_and_no_more(page):
    text = page("first", "second")
    assert '<th scope="row">still</th>' in text
    assert 'id="still"' not in text


def test_two_experiments_of_one_side_are_reviewed_alike(page):
    text = page("--between", "still", "worse")
    assert article(text, "still%20%E2%86%92%20worse").count("<svg") == 2
    assert "models" not in text  # nothing was scored by the real evaluate here


def test_a_training_that_is_not_recorded_is_said_to_be_so(page, history):
    lock = history.root / "dvc.lock"
    before = lock.read_text()
    stages = yaml.safe_load(before)
    del stages["stages"]["train@net"]
    lock.write_text(yaml.safe_dump(stages))
    try:
        assert "One of the two trainings is not recorded" in article(page("first"), "net")
    finally:
        lock.write_text(before)


def test_a_browser_shows_all_pictures_sorts_the_table_and_asks_nobody(page, chromium, tmp_path):
    text = page("first", "second")
    look = "document.title = [...document.images].every((i) => i.naturalWidth) + ' ' + "
    for column, first in ((3, "net"), (0, "worse")):
        script = CLICK.format(column) + look + "document.querySelector('tbody th').textContent;"
        digest = b64encode(sha256(script.encode()).digest()).decode()
        watched = text.replace(f"'{SCRIPT_DIGEST}'", f"'{SCRIPT_DIGEST}' 'sha256-{digest}'")
        watched = watched.replace("</body>", f"<script>{script}</script></body>")
        (tmp_path / "watched.html").write_text(watched)
        seen = browse(chromium, f"file://{tmp_path}/watched.html", tmp_path / "profile")
        assert f"<title>true {first}" in seen.stdout
        assert "CONSOLE" not in seen.stderr


PHONE = """<!doctype html><iframe width="390" height="2000" style="border:0"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument;
  const wide = [...page.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth);
  const shown = [...page.querySelectorAll(".verdicts tbody tr")].map(row => {
    const [name, verdict] = [row.cells[0], row.cells[5]].map(e => e.getBoundingClientRect());
    return verdict.left > name.left && verdict.right <= 390 && verdict.top < name.bottom;
  });
  document.title = [page.documentElement.scrollWidth, wide.length, ...shown].join(" ");
};
frame.srcdoc = PAGE;
</script>"""


def test_a_phone_shows_each_verdict_beside_its_experiment(page, chromium, tmp_path):
    phone = tmp_path / "phone.html"
    source = json.dumps(page("first", "second")).replace("</", "<\\/")
    phone.write_text(PHONE.replace("PAGE", source), "utf-8")
    seen = browse(chromium, phone.as_uri(), tmp_path / "profile")
    assert "<title>390 0 true true true</title>" in seen.stdout
    assert "CONSOLE" not in seen.stderr


def test_what_was_not_compared_is_said_at_the_top(page, history):
    path = history.root / "data/predictions/net.csv"
    text = path.read_text()
    path.unlink()
    path.write_text("id\n")
    try:
        shown = page("second")
    finally:
        path.write_text(text)
    told = "1 of 3 experiments could not be compared: nobody knows whether net got better or worse."
    assert shown.index(told) < shown.index("<main>")


def test_much_code_that_differs_is_folded(page, history):
    lock = history.root / "dvc.lock"
    before = lock.read_text()
    stages = yaml.safe_load(before)
    deps = stages["stages"]["train@net"]["deps"]
    deps += [{**deps[0], "path": f"tasks/{n}.py"} for n in range(5)]
    lock.write_text(yaml.safe_dump(stages))
    try:
        net = article(page("first"), "net")
    finally:
        lock.write_text(before)
    folded = net.split("<summary>Code: 6 files and folders</summary>")[1]
    assert "<code>code.py</code>, <code>tasks/0.py</code>" in folded.split("</details>")[0]


def test_a_script_that_is_not_ours_does_not_run(page, chromium, tmp_path):
    path = tmp_path / "evil.html"
    evil = "<script>document.title = 'evil'</script></body>"
    path.write_text(page("first", "second").replace("</body>", evil))
    assert "<title>evil" not in browse(chromium, f"file://{path}", tmp_path / "profile").stdout
