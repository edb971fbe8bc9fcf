"""Bounds are never above the distances, and close enough to be of use."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tasks.models.neighbours import simd
from tasks.models.neighbours.bounds import NONE, bounds, lost
from tasks.models.neighbours.distances import helps, nearest
from tasks.models.neighbours.pooling import factor_for, pooled
from tasks.models.neighbours.products import SIDE, multiplier, packed
from tasks.models.neighbours.projection import (
    LONGEST,
    coordinates,
    projection,
    row_products,
    shortened,
    varied,
)

from .test_distances import KERNELS

SHAPES = [(8, 8, 1), (32, 32, 3), (40, 24, 3), (1, 500, 1), (70, 50, 3)]


def smooth(n, shape, seed=0):
    """Return n pictures whose neighbouring pixels are alike, as those of photographs are."""
    rng = np.random.default_rng(seed)
    walks = rng.normal(size=(n, *shape)).cumsum(1).cumsum(2)
    return np.clip(128 + 8 * walks, 0, 255).astype(np.uint8)


def noise(n, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def distances(queries, rows, metric):
    apart = np.abs(queries[:, None].astype(np.int64) - rows[None].astype(np.int64))
    return (apart ** (1 if metric == "L1" else 2)).reshape(len(queries), len(rows), -1).sum(2)


def most(known, true):
    """Return the most that sums may be at the distances of some queries."""
    return known.linear * true + known.root * np.sqrt(true) + known.constants[: len(true), None]


def sums(known, queries, rows):
    return known.sums(slice(0, len(queries)))[: len(queries), : len(rows)]


@pytest.mark.parametrize("draw", [smooth, noise])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("vectorised", KERNELS)
@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_no_bound_is_above_its_distance(metric, vectorised, shape, draw):
    queries, rows = draw(12, shape), np.concatenate([draw(30, shape, 1), draw(12, shape)])
    known = bounds(queries, rows, metric, vectorised=vectorised)
    true = distances(queries, rows, metric)
    assert (sums(known, queries, rows) <= most(known, true)).all()
    if known.rows is not NONE:
        apart = distances(known.queries[:12], known.rows, "L1")
        assert (known.closer_scale * apart - known.closer_slack <= true).all()


@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_no_bound_is_above_the_distance_of_extreme_pictures(metric):
    rng = np.random.default_rng(0)
    for shape in [(1, 1, 1), (3, 2, 1), (32, 32, 3), (90, 70, 3)]:
        pictures = [np.full(shape, 0), np.full(shape, 255), 255 * rng.integers(0, 2, shape)]
        pictures += [255 - picture for picture in pictures] + [np.arange(np.prod(shape)) % 256]
        rows = np.stack([picture.reshape(shape) for picture in pictures]).astype(np.uint8)
        known = bounds(rows, rows, metric, vectorised=False)
        true = distances(rows, rows, metric)
        assert (sums(known, rows, rows) <= most(known, true)).all()


@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_bounds_of_pictures_are_close(metric):
    queries, rows = smooth(8, (32, 32, 3)), smooth(40, (32, 32, 3), 1)
    known = bounds(queries, rows, metric, vectorised=False)
    true = distances(queries, rows, metric)
    spared = most(known, 0.6 * true) < sums(known, queries, rows)
    assert np.median(spared) == 1


@given(arrays(np.uint8, array_shapes(min_dims=4, max_dims=4, max_side=9)), st.sampled_from([2, 4]))
@settings(max_examples=60)
def test_a_pooled_pixel_is_the_mean_of_its_square_rounded_down(images, factor):
    small = pooled(images, factor)
    n, height, width, channels = images.shape
    square = images[:, :factor, :factor].sum(axis=(1, 2), dtype=int) // factor**2
    assert np.array_equal(small.reshape(n, -1, channels)[:, 0], square)
    assert small.shape[1] * factor**2 >= height * width * channels
    assert lost((height, width, channels), factor) == (factor**2 - 1) * small.shape[1]


def test_pictures_shrink_to_as_many_bytes_as_wanted():
    assert factor_for((32, 32, 3), 256) == 4
    assert factor_for((32, 32, 3), 1024) == 2
    assert factor_for((28, 28, 1), 1024) == 1
    assert factor_for((150, 150, 3), 256) == 32


def test_short_vectors_are_as_long_as_the_pictures_and_hold_the_waves_that_vary_most():
    images = smooth(21, (9, 12, 3))
    by = projection(images, 50)
    assert np.linalg.norm(by.matrix.astype(float), 2) <= by.norm
    short = shortened(images, by, vectorised=False).astype(float) / by.scale
    waves = coordinates(images.astype(float) - 128)[:, varied(images, 50)]
    assert short[:, :-1] == pytest.approx(waves, rel=1e-3, abs=1)
    lengths = np.linalg.norm(images.reshape(21, -1) - 128.0, axis=1)
    assert np.linalg.norm(short, axis=1) == pytest.approx(lengths, rel=1e-3)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1, 1), (110, 90, 3)], ids=str)
def test_no_sum_of_a_projection_leaves_its_integers(shape):
    by = projection(noise(5, shape), 20)
    longest = 128 * np.sqrt(np.prod(shape))
    assert np.linalg.norm(by.matrix.astype(float), axis=1).max() * longest < 2**31
    assert by.scale * longest == pytest.approx(LONGEST)
    assert np.array_equal(row_products(by.matrix), np.abs(by.matrix @ by.matrix.T.astype(int)))


@given(st.data(), st.integers(1, 40), st.integers(1, 3), st.integers(1, 700))
@settings(max_examples=40)
def test_products_are_those_of_integers(data, n, fours, d):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    rows, queries = (
        rng.choice(np.array([-1700, -3, 0, 1, 1700], np.int16), (count, d + d % 2))
        for count in (n, 4 * fours)
    )
    starts = rng.integers(0, 2**20, n + -n % SIDE).astype(np.int32)
    expected = starts[:n] + queries.astype(int) @ rows.T.astype(int)
    for vectorised in {False, simd.available()}:
        found = np.empty((len(queries), len(starts)), np.int32)
        multiplier(vectorised=vectorised)(queries, packed(rows), starts, found)
        assert np.array_equal(found[:, :n], expected)


@pytest.mark.parametrize("vectorised", KERNELS)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_part_of_the_queries_has_its_bounds(count, vectorised):
    queries, rows = smooth(7, (16, 16, 3)), smooth(30, (16, 16, 3), 1)
    known = bounds(queries, rows, "L1", vectorised=vectorised)
    whole = known.sums(slice(0, 7))
    assert np.array_equal(known.sums(slice(2, 2 + count))[:count], whole[2 : 2 + count])


@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_noise_is_noticed_and_searched_by_force(metric):
    shape = (16, 16, 3)
    assert helps(smooth(4000, shape), smooth(6000, shape, 1), 5, metric, vectorised=True)
    assert not helps(noise(4000, shape), noise(6000, shape, 1), 5, metric, vectorised=True)


def test_few_pictures_are_not_worth_any_preparation():
    assert not helps(smooth(10, (8, 8, 1)), smooth(10, (8, 8, 1)), 1, "L1", vectorised=True)


@pytest.mark.data
@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_the_100_nearest_of_cifar_10_are_those_of_brute_force(metric, cifar_10):
    queries, rows = cifar_10[:40], cifar_10[40:]
    pruned = nearest(queries, rows, 100, metric, prune=True, memory_mib=64)
    for mine, theirs in zip(
        pruned, nearest(queries, rows, 100, metric, prune=False, memory_mib=64), strict=True
    ):
        assert np.array_equal(mine, theirs)


@pytest.fixture
def cifar_10(dataset_mirror):
    """Return the 10,000 test images of CIFAR-10, uint8 (n, 32, 32, 3)."""
    import tarfile

    with tarfile.open(dataset_mirror / "cifar-10" / "cifar-10-binary.tar.xz") as members:
        member = next(member for member in members if member.name.endswith("test_batch.bin"))
        raw = np.frombuffer(members.extractfile(member).read(), np.uint8)
    return raw.reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
