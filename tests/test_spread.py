"""Spread over seeds, against scipy and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tasks.measures.paired import Pairs
from tasks.measures.spread import Spread, reach, welch
from tasks.report.results import Result
from tasks.report.seeds import seeds_in_words, seeds_table
from tasks.review.seeds import describe_seeds

ACCURACIES = st.lists(st.floats(0, 1), min_size=2, max_size=8)
REPETITIONS = 4000
MANY = 10**9  # images: steps of no size


@given(ACCURACIES)
def test_the_interval_is_that_of_scipy(accuracies):
    spread = Spread.of(accuracies, MANY)
    assume(spread.deviation > 1e-6)
    theirs = stats.t.interval(0.95, len(accuracies) - 1, spread.mean, stats.sem(accuracies))
    assert spread.interval() == pytest.approx(np.clip(theirs, 0, 1))


@given(ACCURACIES, ACCURACIES)
def test_the_interval_of_a_difference_is_that_of_welch_in_scipy(before, after):
    spreads = Spread.of(before, MANY), Spread.of(after, MANY)
    assume(min(s.deviation for s in spreads) > 1e-6)
    theirs = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    assert welch(*spreads) == pytest.approx(tuple(theirs))


def test_seeds_that_agree_to_the_image_still_leave_the_doubt_of_rounding():
    agreeing = Spread.of([0.75, 0.75, 0.75], images=400)
    low, high = agreeing.interval()
    assert high - low == pytest.approx(2 * 4.303 / math.sqrt(3) / math.sqrt(12) / 400, rel=1e-3)
    assert reach([agreeing]).points == pytest.approx(0.0044, abs=1e-4)  # less than two images
    low, high = welch(Spread.of([0.5, 0.5], 400), agreeing)
    assert low < 0.25 < high


def simulated(rng, n):
    return rng.normal(0.9, 0.01, (REPETITIONS, n))


def covered(share):
    """Compare a share of repetitions with 95 %, within four Monte Carlo errors."""
    return abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / REPETITIONS)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_mean_of_many_seeds_lies_in_the_interval_in_95_of_100(n):
    runs = (Spread.of(run, MANY) for run in simulated(np.random.default_rng(0), n))
    assert covered(np.mean([low <= 0.9 <= high for low, high in (s.interval() for s in runs)]))


def test_two_results_that_differ_in_the_seed_lie_within_reach_in_95_of_100():
    rng = np.random.default_rng(0)
    runs = zip(simulated(rng, 3), simulated(rng, 4), simulated(rng, 2), strict=True)
    within = [
        abs(first - second) <= reach([Spread.of(a, MANY), Spread.of(b, MANY)]).points
        for a, b, (first, second) in runs
    ]
    assert covered(np.mean(within))


def test_metrics_are_read_back_and_one_seed_has_no_spread():
    spread = Spread.of([0.98, 0.985, 0.99], 200)
    told = spread.as_metrics() | {"n": 200}
    assert Spread.read(told) == pytest.approx(spread)
    assert told["seeds_low"] < 0.985 < told["seeds_high"]
    assert Spread.read({"accuracy": 0.9}) is None


def test_the_report_says_how_far_seeds_lie_apart():
    assert seeds_in_words({"accuracy": 0.9}) == ""
    told = seeds_in_words(Spread(3, 0.985, 0.002, MANY).as_metrics() | {"n": MANY})
    assert told.startswith("Trained with 3 seeds, it gets 98.50 % on average")
    assert "deviation of 0.20 points" in told
    assert "98.00 to 99.00 %" in told


def test_the_table_of_seeds_has_the_recipes_with_several_in_the_order_of_their_seeds():
    accuracies = {f"accuracy_of_seed.{seed}": 0.98 + seed / 1000 for seed in (10, 9, 8)}
    several = Spread.of([0.988, 0.989, 0.99], MANY).as_metrics() | accuracies | {"n": MANY}
    results = [
        Result(name, "", "digits", None, metrics)
        for name, metrics in (("one", {"accuracy": 0.9}), ("three", several), ("none", None))
    ]
    (line,) = seeds_table(results).splitlines()[2:]
    assert line == "| `three` | 98.80 %, 98.90 %, 99.00 % | 98.90 % | 98.65 to 99.15 |"


def test_a_difference_smaller_than_another_seed_makes_is_said_to_be_so():
    pairs = Pairs(both=900, gained=10, lost=5, neither=85)
    assert describe_seeds(pairs, None, None) == []
    (told,) = describe_seeds(pairs, None, Spread(3, 0.91, 0.002, 1000))
    assert "another seed alone moves the accuracy by up to 1.22 points" in told
    assert "the difference of +0.50 is within that, so it says nothing of the recipe" in told
    near, means = describe_seeds(pairs, Spread(10, 0.905, 1e-4, MANY), Spread(10, 0.91, 1e-4, MANY))
    assert near.endswith("the difference of +0.50 is more than that")
    assert means.startswith("means over 10 and 10 seeds: 90.50 % → 91.00 %")
    assert means.endswith("+0.49 to +0.51 points")
