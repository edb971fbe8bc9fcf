"""The card of a model, from the project's own metrics and dvc.lock."""

import json
import shutil
import subprocess

import pytest
import yaml

from tasks.params import load_params
from tasks.report.card import card, per_class
from tasks.report.provenance import digest_of_folder
from tasks.stage import StageError

from .conftest import ROOT

NAME = "digits_cnn"
COUNTS = {"train": {"0": 3, "<b>1": 4}, "val": {"0": 1}, "test": {"0": 2, "<b>1": 2}}
SUMMARY = {
    "conflicting_labels": 0, "copies": {}, "counts": COUNTS, "dropped": 0,
    "duplicates": "warn", "test_is": "a share of 0.2", "val_is": "a share of 0.1",
}  # fmt: skip


@pytest.fixture
def results(workspace):
    """Give the workspace the committed results of one experiment; return its folder."""
    for path in (
        "dvc.lock",
        f"data/metrics/{NAME}.json",
        f"data/plots/{NAME}/history.csv",
        f"data/verified/{NAME}.json",
    ):
        (workspace.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, workspace.root / path)
    summary = workspace.root / "data/splits/digits.summary.json"
    summary.parent.mkdir()
    summary.write_text(json.dumps(SUMMARY))
    return workspace.root


def test_the_card_carries_accuracy_provenance_and_the_way_to_call_the_model(results):
    lock = yaml.safe_load((results / "dvc.lock").read_text())
    metrics = json.loads((results / f"data/metrics/{NAME}.json").read_text())
    text = card(load_params(), NAME)
    for out in lock["stages"][f"train@{NAME}"]["outs"][:1]:
        assert f"Digest of the model folder: `{out['md5']}`" in text
    assert f"{100 * metrics['accuracy']:.2f} % (95 %: {100 * metrics['accuracy_low']:.2f}" in text
    assert f"python -m tasks.predict {NAME} PICTURE" in text
    header = next(yaml.safe_load_all(text.split("\n# ")[0]))
    (result,) = header["model-index"][0]["results"]
    assert {"type": "accuracy", "value": metrics["accuracy"]} in result["metrics"]


def test_names_of_classes_cannot_change_the_page(results):
    text = card(load_params(), NAME)
    assert "| \\<b\\>1 | 4 |" in text
    assert "<b>" not in text


def test_a_class_without_test_images_has_a_dash_for_its_recall():
    metrics = {"precision.cat": 0.5, "recall.cat": 1.0, "precision.fox": 0.0}
    assert per_class(metrics, ["cat", "fox"]) == [
        ("cat", "100.0 %", "50.0 %"),
        ("fox", "-", "0.0 %"),
    ]


def test_it_names_the_first_commit_with_the_model(results):
    assert "First committed: not yet" in card(load_params(), NAME)
    for command in (
        ["init", "-q"],
        ["add", "dvc.lock"],
        ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "First"],
    ):
        subprocess.run(["git", *command], cwd=results, check=True)
    (results / "dvc.lock").write_text((results / "dvc.lock").read_text() + "\n")
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=results, capture_output=True
    )
    assert f"First committed: {asked.stdout.decode().strip()}." in card(load_params(), NAME)


def test_a_verdict_on_another_model_is_not_this_one_s(results):
    path = results / f"data/verified/{NAME}.json"
    verdict = json.loads(path.read_text())
    model = f"data/models/{NAME}/recipe.json"
    lock = yaml.safe_load((results / "dvc.lock").read_text())
    (out, *_) = lock["stages"][f"train@{NAME}"]["outs"]
    files = {
        name.rpartition("/")[2]: md5
        for name, md5 in verdict["outputs"][f"train@{NAME}"].items()
        if name.startswith("data/models/")
    }
    verdict["outputs"][f"train@{NAME}"][model] = "0" * 32
    path.write_text(json.dumps(verdict))
    assert "Not retrained in a clean clone so far" in card(load_params(), NAME)
    lock["stages"][f"train@{NAME}"]["outs"][0] = out | {"md5": digest_of_folder(files)}
    (results / "dvc.lock").write_text(yaml.safe_dump(lock))
    verdict["outputs"][f"train@{NAME}"][model] = files["recipe.json"]
    path.write_text(json.dumps(verdict))
    assert "Retrained to the same bytes in a clean clone" in card(load_params(), NAME)


def test_what_was_not_trained_or_not_scored_has_no_card(results):
    lock = yaml.safe_load((results / "dvc.lock").read_text())
    del lock["stages"][f"train@{NAME}"]
    (results / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(StageError, match=r"^dvc.lock has no training of 'digits_cnn'"):
        card(load_params(), NAME)
    (results / f"data/metrics/{NAME}.json").unlink()
    with pytest.raises(StageError, match=r"^'digits_cnn' was not scored: expected 'data/metrics/"):
        card(load_params(), NAME)


def test_the_command_writes_the_card_beside_the_model(results, cli):
    assert cli("card", NAME, "--output", "out/README.md").returncode == 0
    assert (results / "out/README.md").read_text().startswith("---\npipeline_tag: image-class")
    failed = cli("card", "digits_cn")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "unknown experiment 'digits_cn'" in failed.stderr
