"""Temperature scaling: what it keeps, what it finds, and where it could go wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from tasks.measures.metrics import calibration, expected_calibration_error, log_loss
from tasks.measures.temperature import at_temperature, fit_temperature, logarithms

temperatures = st.floats(0.1, 10)


def drawn(seed, n=200, k=4, spread=3.0):
    """Return labels that come as often as honest probabilities say, and those."""
    rng = np.random.default_rng(seed)
    honest = softmax(rng.normal(0, spread, (n, k)), axis=1).astype(np.float32)
    labels = (rng.random((n, 1)) > np.cumsum(honest, axis=1)).sum(axis=1).clip(0, k - 1)
    return labels, honest


def distorted(honest, by):
    return at_temperature(logarithms(honest, None), by)


@given(st.integers(0, 10_000), temperatures)
def test_rows_sum_to_one_and_classes_keep_their_order(seed, temperature):
    _, honest = drawn(seed, n=20)
    changed = distorted(honest, temperature)
    assert np.allclose(changed.sum(axis=1), 1, atol=1e-5)
    ranked = np.take_along_axis(changed, np.argsort(honest, axis=1), axis=1)
    assert (np.diff(ranked, axis=1) >= 0).all()


@given(st.integers(0, 10_000))
def test_a_temperature_of_one_changes_nothing(seed):
    _, honest = drawn(seed, n=20)
    assert np.allclose(distorted(honest, 1.0), honest, atol=1e-6)


@pytest.mark.parametrize("by", [0.25, 0.5, 1.0, 2.0])
def test_a_model_that_distorts_its_probabilities_is_found_out(by):
    labels, honest = drawn(0, n=10_000)
    assert fit_temperature(labels, logarithms(distorted(honest, by), None)) == pytest.approx(
        1 / by, rel=0.05
    )


@pytest.mark.parametrize("by", [0.3, 3.0])
def test_what_was_fitted_on_some_images_helps_on_others(by):
    labels, honest = drawn(1, n=4_000)
    given_ = distorted(honest, by)
    val, test = slice(None, 1_000), slice(1_000, None)
    temperature = fit_temperature(labels[val], logarithms(given_[val], None))
    after = distorted(given_[test], temperature)
    before_and_after = [
        (expected_calibration_error(calibration(labels[test], p, 10)), log_loss(labels[test], p))
        for p in (given_[test], after)
    ]
    assert before_and_after[1][0] < before_and_after[0][0] / 2
    assert before_and_after[1][1] < before_and_after[0][1]


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_no_other_temperature_makes_the_labels_clearly_likelier(seed):
    labels, honest = drawn(seed, n=60)
    logs = logarithms(honest, None)
    found = fit_temperature(labels, logs)
    for other in np.exp(np.linspace(-3, 3, 25)):
        losses = [
            -np.log(softmax(logs / t, axis=1)[np.arange(60), labels]).sum() + np.log(t) ** 2 / 2
            for t in (found, other)
        ]
        assert losses[0] <= losses[1] + 1e-4


@pytest.mark.parametrize("n", [1, 10, 1000])
def test_without_a_mistake_on_val_the_temperature_stays_finite(n):
    honest = np.tile(np.float32([0.9, 0.1]), (n, 1))
    temperature = fit_temperature(np.zeros(n, int), logarithms(honest, None))
    assert 0.1 < temperature < 1
    assert distorted(honest, temperature)[0, 0] < 1


def test_a_model_that_knows_nothing_is_left_alone():
    logs = logarithms(np.full((50, 5), 0.2, np.float32), None)
    assert fit_temperature(np.arange(50) % 5, logs) == pytest.approx(1.0, abs=0.01)


def test_a_probability_that_was_rounded_to_zero_stays_finite():
    sure = np.float32([[1, 0], [1, 0]])
    logs = logarithms(sure, None)
    assert np.isfinite(logs).all()
    temperature = fit_temperature(np.array([0, 1]), logs)
    assert temperature > 10
    assert 0 < distorted(sure, temperature)[0, 1] < 0.5


@given(st.integers(1, 30), st.integers(2, 6), st.integers(0, 1000))
def test_no_class_is_impossible_because_few_neighbours_voted(k, classes, seed):
    counts = np.random.default_rng(seed).multinomial(k, np.full(classes, 1 / classes), 8)
    shares = (counts / k).astype(np.float32)
    said = at_temperature(logarithms(shares, k), 1.0)
    expected = (counts + 0.5) / (k + classes / 2)  # Krichevsky and Trofimov
    assert np.allclose(said, expected, atol=1e-5)


def test_a_single_neighbour_is_as_sure_as_it_is_right():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 5_000)
    voted = np.where(rng.random(5_000) < 0.4, labels, (labels + rng.integers(1, 10, 5_000)) % 10)
    shares = np.eye(10, dtype=np.float32)[voted]
    logs = logarithms(shares, 1)
    said = at_temperature(logs, fit_temperature(labels, logs))
    assert said.max(axis=1).mean() == pytest.approx((voted == labels).mean(), abs=0.005)
