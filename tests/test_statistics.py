import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.measures.statistics import wilson_interval


@given(st.integers(1, 20_000), st.floats(0, 1))
def test_the_interval_is_that_of_scipy(n, share):
    successes = round(share * n)
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_the_interval_covers_the_truth_in_about_95_of_100_samples(share):
    drawn = np.random.default_rng(0).binomial(1000, share, 4000)
    covered = np.mean(
        [low <= share <= high for low, high in (wilson_interval(int(s), 1000) for s in drawn)]
    )
    assert covered == pytest.approx(0.95, abs=0.012)  # 3.5 deviations
