import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.models.neighbours import simd
from tasks.models.neighbours.distances import BLOCK, block_for, nearest, nowhere
from tasks.models.neighbours.nearest_list import insert
from tasks.stage import cores

KERNELS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not simd.available(), reason="no AVX2")),
]


def brute_force(queries, rows, k, metric):
    """Compare everything with everything, in 64-bit integers."""
    difference = np.abs(queries[:, None].astype(np.int64) - rows[None].astype(np.int64))
    distances = (difference ** (1 if metric == "L1" else 2)).sum(axis=2)
    positions = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, positions, axis=1), positions


@pytest.mark.parametrize("vectorised", KERNELS)
@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("metric", ["L1", "L2"])
@given(st.data(), st.integers(1, 40), st.integers(1, 9), st.integers(1, 70))
@settings(max_examples=40)
def test_neighbours_are_those_of_brute_force(metric, prune, vectorised, data, n, q, d):
    few = st.sampled_from([0, 1, 128, 254, 255])  # so that ties abound
    rows = data.draw(arrays(np.uint8, (n, d), elements=few))
    queries = data.draw(arrays(np.uint8, (q, d), elements=few))
    k = data.draw(st.integers(1, n))
    found = nearest(queries, rows, k, metric, vectorised=vectorised, prune=prune, memory_mib=64)
    for got, expected in zip(found, brute_force(queries, rows, k, metric), strict=True):
        assert np.array_equal(got, expected)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.data())
@settings(max_examples=40)
def test_the_nearest_are_the_same_in_whatever_order_rows_come(apart, data):
    k = data.draw(st.integers(1, len(apart)))
    distances, positions = nowhere(1, k)
    for row in data.draw(st.permutations(range(len(apart)))):
        insert(apart[row], row, distances[0], positions[0])
    assert positions[0].tolist() == np.argsort(apart, kind="stable")[:k].tolist()
    assert distances[0].tolist() == sorted(apart)[:k]


@pytest.mark.parametrize("vectorised", KERNELS)
@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_distances_never_wrap_around(metric, vectorised):
    d = 400_000  # 255**2 * d = 26,010,000,000 is beyond 32 bits
    rows, queries = np.zeros((2, d), np.uint8), np.full((1, d), 255, np.uint8)
    distances, positions = nearest(queries, rows, 2, metric, vectorised=vectorised, memory_mib=64)
    assert distances.tolist() == [[255 * d] * 2 if metric == "L1" else [255**2 * d] * 2]
    assert positions.tolist() == [[0, 1]]


@pytest.mark.parametrize("vectorised", KERNELS)
def test_more_rows_than_a_tile_holds_are_all_seen(vectorised):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (700, 3072), dtype=np.uint8)
    queries = rng.integers(0, 256, (300, 3072), dtype=np.uint8)
    for metric in ("L1", "L2"):
        _, positions = nearest(queries, rows, 3, metric, vectorised=vectorised, memory_mib=64)
        some = np.arange(0, 300, 37)
        assert np.array_equal(positions[some], brute_force(queries[some], rows, 3, metric)[1])


@given(st.integers(1, 10**7), st.integers(1, 4096))
def test_bounds_stay_within_the_memory_that_is_given(rows, memory_mib):
    block = block_for(rows, memory_mib)
    assert block % simd.ROWS == 0
    assert simd.ROWS <= block <= BLOCK
    assert block == simd.ROWS or cores() * block * rows * 4 <= memory_mib * 2**20


@pytest.mark.parametrize("metric", ["L1", "L2"])
def test_little_memory_changes_no_neighbour(metric):
    rng = np.random.default_rng(0)
    rows, queries = (rng.integers(0, 256, (n, 48), dtype=np.uint8) for n in (70_000, 21))
    little, plenty = (
        nearest(queries, rows, 5, metric, memory_mib=memory, prune=True) for memory in (1, 256)
    )
    assert block_for(len(rows), 1) == simd.ROWS
    for one, other in zip(little, plenty, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.data
def test_cifar_10_neighbours_agree_between_the_kernels(dataset_mirror):
    import tarfile

    archive = dataset_mirror / "cifar-10" / "cifar-10-binary.tar.xz"
    with tarfile.open(archive) as members:
        for member in members:
            if member.name.endswith("test_batch.bin"):
                break
        raw = np.frombuffer(members.extractfile(member).read(), np.uint8)
    images = raw.reshape(-1, 3073)[:, 1:]
    for metric in ("L1", "L2"):
        plain = nearest(images[:20], images[20:], 100, metric, vectorised=False, memory_mib=64)
        default = nearest(images[:20], images[20:], 100, metric, memory_mib=64)
        for a, b in zip(plain, default, strict=True):
            assert np.array_equal(a, b)
