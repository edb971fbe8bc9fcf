import itertools
from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.measures.paired import (
    Pairs,
    bootstrap_interval,
    fewest_discordant,
    holm,
    mcnemar,
    pair,
    resolution,
)

COUNTS = st.integers(0, 400)
ANY = st.builds(Pairs, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda pairs: pairs.n > 0)
FEW = st.builds(Pairs, *4 * [st.integers(0, 2)]).filter(lambda pairs: pairs.n > 0)


def mirrored(pairs):
    return pairs._replace(gained=pairs.lost, lost=pairs.gained)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_pairs_count_each_image_once(outcomes):
    before, after = np.array(outcomes, bool).T
    pairs, counted = pair(before, after), Counter(outcomes)
    assert pairs.both == counted[True, True]
    assert pairs.gained == counted[False, True]
    assert pairs.lost == counted[True, False]
    assert pairs.n == len(outcomes)
    assert pairs.difference == pytest.approx(after.mean() - before.mean())


# ---- exact McNemar --------------------------------------------------------------------


@pytest.mark.parametrize("discordant", range(1, 13))
def test_the_p_value_is_the_share_of_coin_tosses_that_are_as_uneven(discordant):
    tosses = [sum(coins) for coins in itertools.product([0, 1], repeat=discordant)]
    for gained in range(discordant + 1):
        uneven = abs(2 * gained - discordant)
        expected = np.mean([abs(2 * heads - discordant) >= uneven for heads in tosses])
        assert mcnemar(gained, discordant - gained) == pytest.approx(expected, rel=1e-12)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_the_p_value_is_that_of_scipy_and_does_not_know_the_sides(gained, lost):
    p = mcnemar(gained, lost)
    assert p == mcnemar(lost, gained)
    if gained + lost:
        expected = stats.binomtest(gained, gained + lost).pvalue
        assert p == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_the_p_value_of_the_textbook():
    # Agresti, Categorical Data Analysis, 2nd ed., table 10.1: 150 against 86 of 1,600.
    assert mcnemar(86, 150) == pytest.approx(3.7e-5, rel=0.02)


# ---- bootstrap ------------------------------------------------------------------------


@given(FEW)
def test_the_interval_of_a_few_images_is_that_of_all_ways_to_draw_them(pairs):
    n = pairs.n + 2
    share = np.array([pairs.lost + 1, pairs.both + pairs.neither, pairs.gained + 1]) / n
    chances = Counter()
    for gained in range(n + 1):
        for lost in range(n + 1 - gained):
            still = n - gained - lost
            ways = comb(n, gained) * comb(n - gained, lost)
            chances[gained - lost] += (
                ways * share[2] ** gained * share[0] ** lost * share[1] ** still
            )
    ends = [
        d for d in range(-n, n + 1) if sum(chances[e] for e in range(-n, d + 1)) >= 0.025 - 1e-9
    ]
    low, high = bootstrap_interval(pairs)
    assert low == pytest.approx(ends[0] / n)
    assert high == pytest.approx(-bootstrap_interval(mirrored(pairs))[0])


def test_the_interval_is_that_of_drawing_images_anew():
    pairs = Pairs(both=900, gained=60, lost=25, neither=15)
    drawn = np.random.default_rng(0).choice(
        [0, 1, -1], p=np.array([915, 61, 26]) / 1002, size=(20_000, 1002)
    )
    expected = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    assert bootstrap_interval(pairs) == pytest.approx(expected, abs=0.0011)  # one image


@given(ANY)
def test_sides_swapped_mirror_the_interval_around_the_difference(pairs):
    low, high = bootstrap_interval(pairs)
    swapped = bootstrap_interval(mirrored(pairs))
    assert swapped == pytest.approx((-high, -low), abs=1e-12)
    assert -1 <= low <= pairs.difference <= high <= 1
    assert low < high


@pytest.mark.parametrize(
    ("n", "gained", "lost", "most"),
    [
        (50, 0.1, 0.1, 0.98),
        (358, 0.02, 0.01, 0.98),
        (1000, 0.1, 0.05, 0.97),
        (1000, 0.002, 0.002, 0.999),  # with a handful of discordant images it is too careful
        (4000, 0.004, 0.006, 0.97),
    ],
)
def test_the_interval_covers_the_truth_in_about_95_of_100_test_sets(n, gained, lost, most):
    drawn = np.random.default_rng(0).multinomial(n, [1 - gained - lost, gained, lost], 1500)
    covered = 0
    for (still, g, k), times in zip(*np.unique(drawn, axis=0, return_counts=True), strict=True):
        low, high = bootstrap_interval(Pairs(int(still), int(g), int(k), 0))
        covered += times * (low <= gained - lost <= high)
    assert 0.95 - 3.5 * (0.95 * 0.05 / 1500) ** 0.5 <= covered / 1500 <= most


def test_one_image_tells_nothing():
    one = Pairs(both=0, gained=1, lost=0, neither=0)
    assert mcnemar(one.gained, one.lost) == 1
    assert bootstrap_interval(one) == (-1, 1)
    assert resolution(one) is None


# ---- what can be resolved -------------------------------------------------------------


def power(discordant, share):
    """Return how often the test finds that this share of the discordant images is gained."""
    found = [g for g in range(discordant + 1) if mcnemar(g, discordant - g) <= 0.05]
    return sum(stats.binom.pmf(g, discordant, share) for g in found if 2 * g > discordant)


@given(st.integers(6, 120), st.integers(0, 500))
def test_what_can_be_resolved_is_found_in_80_of_100_test_sets(discordant, others):
    pairs = Pairs(others, discordant, 0, 0)
    share = (resolution(pairs) * pairs.n / discordant + 1) / 2
    assert power(discordant, share) == pytest.approx(0.8, abs=1e-6)


def test_fewer_than_six_discordant_images_are_never_told_from_chance():
    assert fewest_discordant() == 6
    assert resolution(Pairs(994, 0, 0, 6)) == resolution(Pairs(994, 6, 0, 0)) > 5.5 / 1000
    assert resolution(Pairs(5, 0, 0, 0)) is None


def test_more_images_resolve_smaller_differences():
    found = [resolution(Pairs(9 * n // 10, n // 20, n // 20, 0)) for n in (100, 1000, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.01


# ---- Holm -----------------------------------------------------------------------------


def closed_test(p_values, level):
    """Reject by the definition behind Holm: each subset that holds it by Bonferroni."""
    everything = range(len(p_values))
    subsets = [s for r in everything for s in itertools.combinations(everything, r + 1)]
    return [
        all(min(p_values[j] for j in s) * len(s) <= level for s in subsets if i in s)
        for i in everything
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_the_closed_test_rejects(p_values, level):
    assert [p <= level for p in holm(p_values)] == closed_test(p_values, level)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_holm_keeps_the_order_and_never_lowers(p_values):
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    ranked = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_of_many_looks_at_nothing_few_find_something():
    drawn = np.random.default_rng(0).binomial(40, 0.5, (2000, 10))  # gained of 40 discordant
    any_found = [min(holm([mcnemar(int(g), 40 - int(g)) for g in look])) <= 0.05 for look in drawn]
    assert np.mean(any_found) <= 0.05 + 3.5 * (0.05 * 0.95 / 2000) ** 0.5
