"""Conformal sets: their coverage is what was asked for, whatever the model is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.measures.conformal import (
    coverage_by_chance,
    measured_by_chance,
    rank,
    sets,
    threshold,
)

coverages = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


def drawn(rng, n, k=5, skill=2.0):
    """Return labels, and probabilities that say something of them and are not honest."""
    labels = rng.integers(0, k, n)
    logits = rng.normal(0, 2, (n, k))
    logits[np.arange(n), labels] += skill
    powers = np.exp(3 * logits)  # much too sure
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def covered(labels, inside):
    return inside[np.arange(len(labels)), labels]


@given(st.integers(0, 10_000), st.integers(1, 300), coverages)
def test_as_many_val_images_as_the_rule_wants_reach_the_threshold(seed, n, coverage):
    labels, said = drawn(np.random.default_rng(seed), n)
    least = threshold(labels, said, coverage)
    reached = (said[np.arange(n), labels] >= least).sum()
    assert reached >= min(n, rank(n, coverage))
    assert least >= 0


@given(st.integers(0, 10_000), st.floats(0, 1, width=32))
def test_a_set_is_the_likeliest_classes_and_never_empty(seed, least):
    _, said = drawn(np.random.default_rng(seed), 30)
    inside = sets(said, least)
    assert inside[np.arange(30), said.argmax(axis=1)].all()
    order = np.argsort(-said, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(inside, order, axis=1).astype(int), axis=1) <= 0).all()


@given(st.integers(0, 10_000), st.integers(20, 200))
def test_who_asks_for_more_coverage_gets_larger_sets(seed, n):
    labels, said = drawn(np.random.default_rng(seed), n)
    sizes = [
        sets(said, threshold(labels, said, coverage)).sum() for coverage in (0.5, 0.8, 0.9, 0.99)
    ]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("n", "coverage", "wanted"), [(199, 0.95, 190), (19, 0.95, 19), (9, 0.9, 9)]
)
def test_the_rank_is_exact_where_the_product_is_whole(n, coverage, wanted):
    assert rank(n, coverage) == wanted


def test_too_few_val_images_make_every_class_possible():
    labels, said = drawn(np.random.default_rng(0), 10)
    assert threshold(labels, said, 0.95) == 0.0
    assert sets(said, 0.0).all()
    assert coverage_by_chance(10, 0.95) == measured_by_chance(10, 500, 0.95) == 1.0


def test_votes_of_one_neighbour_that_errs_too_often_make_every_class_possible():
    labels = np.arange(100) % 5
    said = np.eye(5, dtype=np.float32)[np.where(np.arange(100) < 60, labels, (labels + 1) % 5)]
    assert sets(said, threshold(labels, said, 0.9)).all()
    assert sets(said, threshold(labels, said, 0.5)).sum(axis=1).tolist() == [1] * 100


@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize("n", [30, 200])
def test_coverage_is_what_was_asked_for_over_many_draws_of_val(coverage, n):
    rng = np.random.default_rng(n)
    draws, tested = 400, 200
    measured = np.empty(draws)
    for draw in range(draws):
        labels, said = drawn(rng, n + tested, skill=0.5)
        least = threshold(labels[:n], said[:n], coverage)
        inside = said[n:] >= np.float32(least)  # without the likeliest class by force
        measured[draw] = covered(labels[n:], inside).mean()
    exact = rank(n, coverage) / (n + 1)
    error = measured.std() / np.sqrt(draws)  # of the mean
    assert measured.mean() == pytest.approx(exact, abs=3 * error)
    below = (measured < measured_by_chance(n, tested, coverage)).mean()
    assert below <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / draws)


@pytest.mark.parametrize(("n", "coverage"), [(40, 0.8), (200, 0.95), (2_500, 0.99)])
def test_more_test_images_narrow_what_is_measured_to_what_holds(n, coverage):
    least, at = coverage_by_chance(n, coverage), rank(n, coverage)
    assert least == pytest.approx(stats.beta.ppf(0.025, at, n + 1 - at), abs=1e-9)
    by_size = [measured_by_chance(n, tested, coverage) for tested in (100, 1_000, 10_000)]
    assert by_size == sorted(by_size)
    assert by_size[-1] == pytest.approx(least, abs=0.01)
