import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.images.randomness import Purpose, keys, order, uniform


@given(st.integers(0, 2**31 - 1), st.integers(0, 1000), st.permutations(range(50)))
def test_numbers_follow_the_image_and_not_its_place(seed, epoch, places):
    index = np.array(places)
    drawn = uniform(keys(seed, epoch, index), Purpose.SHIFT_X)
    assert np.array_equal(drawn, uniform(keys(seed, epoch, np.arange(50)), Purpose.SHIFT_X)[index])


def test_seeds_epochs_images_and_purposes_give_other_numbers():
    index = np.arange(1000)
    drawn = [
        uniform(keys(seed, epoch, index), purpose)
        for seed in (0, 1)
        for epoch in (0, 1)
        for purpose in (Purpose.SHIFT_X, Purpose.SHIFT_Y)
    ]
    assert len(np.unique(np.concatenate(drawn))) == 8 * 1000
    correlations = np.corrcoef(drawn)[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(1000)


def test_numbers_are_uniform():
    drawn = uniform(keys(0, 0, np.arange(100_000)), Purpose.NOISE, -2.0, 3.0)
    counts, _ = np.histogram(drawn, bins=20, range=(-2.0, 3.0))
    assert counts.sum() == 100_000
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8  # chi-square, 19 degrees, p = 0.001


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 300))
def test_every_epoch_sees_every_image_once(seed, epoch, n):
    assert sorted(order(seed, epoch, n)) == list(range(n))


def test_epochs_come_in_different_order():
    assert not np.array_equal(order(0, 0, 100), order(0, 1, 100))
