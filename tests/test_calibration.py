"""What is kept of a calibration, and what it does to a model's answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.measures.calibration import (
    Calibration,
    before_and_after,
    confidence,
    path_of,
    read_calibration,
    write_calibration,
)
from tasks.stage import StageError


def too_sure(seed, n, k=4):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(0, 1.5, (n, k))
    logits[np.arange(n), labels] += 1
    powers = np.exp(4 * logits)
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def fitted(labels, said, coverage=0.9, votes=None):
    return Calibration.fitted(labels, said, model="a1", votes=votes, coverage=coverage)


def test_a_calibration_is_read_as_it_was_written(workspace):
    found = fitted(*too_sure(0, 200))
    path = path_of("pets_cnn")
    write_calibration(path, found, {"log_loss": 0.5})
    assert path == Path("data/calibration/pets_cnn.json")
    assert read_calibration(path, "a1") == found
    _, said = too_sure(1, 500)  # also the last bit of the threshold
    assert np.array_equal(read_calibration(path, "a1").sets(said), found.sets(said))
    first = path.read_bytes()
    write_calibration(path, fitted(*too_sure(0, 200)), {"log_loss": 0.5})
    assert path.read_bytes() == first
    assert list(json.loads(first)) == sorted(json.loads(first))


def test_a_model_that_was_not_calibrated_is_refused(workspace):
    with pytest.raises(
        StageError,
        match=r"no 'data/calibration/pets_cnn.json': expected what calibrate found on val\. Run "
        "dvc repro calibrate@pets_cnn",
    ):
        read_calibration(path_of("pets_cnn"), "a1")


@pytest.mark.parametrize("text", ["", "{}"])
def test_a_damaged_calibration_is_refused(workspace, text):
    path = path_of("pets_cnn")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(
        StageError, match=r"pets_cnn\.json' is damaged or of another version: .* Run"
    ):
        read_calibration(path, "a1")


def test_the_calibration_of_another_model_is_refused(workspace):
    write_calibration(path_of("pets_cnn"), fitted(*too_sure(0, 50)), {})
    with pytest.raises(StageError, match="is the calibration of another model: expected that of b"):
        read_calibration(path_of("pets_cnn"), "b2")


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_no_prediction_changes(seed):
    labels, said = too_sure(seed, 60)
    calibrated = fitted(labels, said).calibrated(said)
    right = np.arange(60)
    assert np.array_equal(calibrated[right, said.argmax(axis=1)], calibrated.max(axis=1))


def test_a_model_that_is_too_sure_gets_more_honest_and_covers_what_was_asked():
    found = fitted(*too_sure(0, 1000))
    labels, said = too_sure(1, 5000)
    told = confidence(labels, said, found, bins=10)
    assert found.temperature > 2
    assert told["expected_calibration_error_calibrated"] < told["expected_calibration_error"] / 5
    assert told["log_loss_calibrated"] < told["log_loss"]
    assert told["coverage"] == pytest.approx(0.9, abs=0.03)
    assert told["coverage"] >= told["coverage_by_chance"]
    assert 1 < told["mean_set_size"] < 4
    assert told["sure_accuracy"] > (said.argmax(axis=1) == labels).mean()


def test_the_accuracy_of_the_sure_is_left_out_where_none_is_sure():
    labels = np.arange(100) % 2
    said = np.full((100, 2), 0.5, np.float32)
    told = confidence(labels, said, fitted(labels, said), bins=10)
    assert told["sure"] == 0.0
    assert told["mean_set_size"] == 2.0
    assert "sure_accuracy" not in told


def test_figures_before_are_those_of_the_model_itself():
    labels, said = too_sure(0, 300)
    told = before_and_after(labels, said, said, bins=10)
    assert told["log_loss"] == told["log_loss_calibrated"]
    assert told["expected_calibration_error"] == told["expected_calibration_error_calibrated"]
