"""Further seeds of a recipe, on the real digits."""

import json

import pytest

from tasks import calibrate, check, download, evaluate, prepare, repeat, split, train
from tasks.images.samples import train_rows, val_rows
from tasks.measures.ledger import read_looks
from tasks.models.inputs import inputs
from tasks.params import load_params
from tasks.stage import METRICS, MODELS, REPEATS, SCRATCH
from tasks.stage.unfinished import unfinished


@pytest.fixture
def digits(workspace):
    """Prepare the digits in a workspace, and return it."""
    for stage in (download, prepare, split, check):
        stage.run("digits")
    return workspace


def test_all_seeds_are_scored_and_each_is_a_look(digits):
    digits.write_params({"experiments.digits_knn.repeats": 3})
    train.run("digits_knn")
    calibrate.run("digits_knn")
    repeat.run("digits_knn")
    assert sorted(p.name for p in (REPEATS / "digits_knn").iterdir()) == ["seed-1", "seed-2"]
    evaluate.run("digits_knn")
    metrics = json.loads((METRICS / "digits_knn.json").read_text())
    assert metrics["seeds"] == 3
    assert metrics["accuracy_of_seed.0"] == metrics["accuracy"]
    assert metrics["seeds_low"] <= metrics["seeds_mean"] <= metrics["seeds_high"]
    assert len(read_looks("digits")) == 3

    digits.write_params({"experiments.digits_knn.repeats": 1})
    repeat.run("digits_knn")
    assert list((REPEATS / "digits_knn").iterdir()) == []
    evaluate.run("digits_knn")
    assert "seeds" not in json.loads((METRICS / "digits_knn.json").read_text())
    assert len(read_looks("digits")) == 3


def test_a_seed_that_was_finished_is_not_trained_again(digits):
    params = digits.write_params({"experiments.digits_knn.repeats": 2})
    rows = train_rows("digits"), val_rows("digits")
    experiment, wanted = params.experiments["digits_knn"], params.datasets["digits"].prepare
    with unfinished("elsewhere", "x", inputs(*rows, experiment, wanted, params.threads)) as key:
        left = SCRATCH / "repeat" / "digits_knn" / key.name / "seed-1"
    left.mkdir(parents=True)
    (left / "mark").write_text("as it was")
    repeat.run("digits_knn")
    assert (REPEATS / "digits_knn" / "seed-1" / "mark").read_text() == "as it was"
    assert not (SCRATCH / "repeat" / "digits_knn").exists()


@pytest.mark.slow
def test_a_further_seed_is_what_train_would_make_of_it(digits):
    experiment = "experiments.digits_cnn"
    digits.write_params({f"{experiment}.repeats": 3, f"{experiment}.train.epochs": 1})
    repeat.run("digits_cnn")
    digits.write_params({f"{experiment}.train.seed": 2, f"{experiment}.train.epochs": 1})
    train.run("digits_cnn")
    for file in ("model.keras", "recipe.json"):
        made = (REPEATS / "digits_cnn" / "seed-2" / file).read_bytes()
        assert made == (MODELS / "digits_cnn" / file).read_bytes(), file


def test_every_experiment_says_how_many_seeds_it_is_trained_with(workspace):
    assert {e.repeats for e in load_params().experiments.values()} >= {1, 3}
