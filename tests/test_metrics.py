import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from tasks.images.samples import Rows
from tasks.measures.metrics import (
    calibration,
    confusion,
    expected_calibration_error,
    score,
    without,
)
from tasks.measures.tables import write_plots

CLASSES = ["ant", "bee", "cow", "dog"]


@st.composite
def scored(draw):
    """Draw labels in which all classes occur, and probabilities."""
    n, seed = draw(st.integers(8, 200)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(4), rng.integers(0, 4, n - 4)])
    return labels, rng.dirichlet(np.full(4, 0.5), n).astype(np.float32)


@given(scored())
def test_metrics_are_those_of_scikit_learn(drawn):
    labels, probabilities = drawn
    predicted = probabilities.argmax(axis=1)
    got = score(labels, probabilities, CLASSES, 10)
    sure = np.clip(probabilities.astype(np.float64), 1e-6, 1)
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(labels, predicted),
        "macro_f1": sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0),
        "log_loss": -np.log(sure[np.arange(len(labels)), labels]).mean(),
        "precision.bee": sklearn.metrics.precision_score(
            labels, predicted, labels=[1], average="macro", zero_division=0
        ),
        "recall.dog": sklearn.metrics.recall_score(labels, predicted, labels=[3], average="macro"),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, abs=1e-5), name


@given(scored())
def test_a_confusion_matrix_counts_every_image_once(drawn):
    labels, probabilities = drawn
    counts = confusion(labels, probabilities.argmax(axis=1), 4)
    assert counts.sum() == len(labels)
    assert np.array_equal(counts.sum(axis=1), np.bincount(labels, minlength=4))


def test_classes_that_never_occur_have_no_recall_and_do_not_count_in_the_balance():
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    got = score(np.array([0, 0, 1]), probabilities, ["a", "b", "absent"], 10)
    assert "recall.absent" not in got
    assert got["precision.absent"] == 0.0
    assert got["balanced_accuracy"] == got["macro_f1"] == got["recall.b"] == 1.0


def test_the_table_of_classes_has_no_recall_of_a_class_without_images(tmp_path):
    probabilities = np.eye(3, dtype=np.float32)[[0, 2]]
    none = np.empty((2, 0, 0, 1), np.uint8)
    rows = Rows(none, np.arange(2), np.array([0, 1]), ["x", "y"], [], ["cat", "dog", "fox"])
    write_plots(tmp_path, rows, probabilities, probabilities, 10)
    assert (tmp_path / "classes.csv").read_text().splitlines()[1:] == [
        "cat,precision,1.0",
        "cat,recall,1.0",
        "dog,precision,0.0",
        "dog,recall,0.0",
        "fox,precision,0.0",
    ]


@given(scored(), st.sets(st.integers(0, 3), max_size=3))
def test_the_means_over_classes_are_those_of_scikit_learn_without_some_classes(drawn, absent):
    labels, probabilities = drawn
    there = ~np.isin(labels, list(absent))
    labels, probabilities = labels[there], probabilities[there]
    predicted = probabilities.argmax(axis=1)
    got = score(labels, probabilities, CLASSES, 10)
    f1 = sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0)
    found = sklearn.metrics.recall_score(
        labels, predicted, labels=np.unique(labels), average="macro", zero_division=0
    )
    assert got["macro_f1"] == pytest.approx(f1, abs=1e-5)
    assert got["balanced_accuracy"] == pytest.approx(found, abs=1e-5)
    assert {name for name in got if name.startswith("recall.")} == {
        f"recall.{CLASSES[at]}" for at in np.unique(labels)
    }


@given(scored(), st.integers(1, 20))
def test_calibration_bins_hold_every_image_once_and_its_confidence(drawn, bins):
    table = calibration(*drawn, bins)
    assert sum(b.n for b in table) == len(drawn[0])
    assert all(b.low - 1e-6 <= b.confidence <= b.high + 1e-6 for b in table)


def test_a_model_as_sure_as_it_is_right_has_no_calibration_error():
    probabilities = np.tile(np.float32([0.75, 0.25]), (4, 1))
    table = calibration(np.array([0, 0, 0, 1]), probabilities, 10)
    assert expected_calibration_error(table) == 0.0


def test_a_sure_and_always_wrong_model_has_the_full_calibration_error():
    probabilities = np.tile(np.float32([1.0, 0.0]), (4, 1))
    assert expected_calibration_error(calibration(np.ones(4, int), probabilities, 10)) == 1.0


def test_the_accuracy_without_leaked_images_is_that_of_the_others():
    labels = np.array([0, 1, 1, 0, 1])
    probabilities = np.eye(2, dtype=np.float32)[[0, 1, 0, 0, 0]]
    found = without(labels, probabilities, np.array([True, True, True, False, False]))
    assert found["leaked"] == 3
    assert found["leaked_accuracy"] == round(2 / 3, 6)
    assert found["unleaked_accuracy"] == 0.5
    assert found["unleaked_accuracy_low"] < 0.5 < found["unleaked_accuracy_high"]


@pytest.mark.parametrize(("leaked", "missing"), [(False, "leaked_"), (True, "unleaked_")])
def test_an_accuracy_on_no_image_is_left_out(leaked, missing):
    labels, probabilities = np.array([0, 1]), np.eye(2, dtype=np.float32)
    found = without(labels, probabilities, np.array([leaked, leaked]))
    assert not any(name.startswith(missing) for name in found)
