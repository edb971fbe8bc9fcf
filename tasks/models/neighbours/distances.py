"""The nearest images by L1 or L2, exactly, in integers.

Pixels are bytes, so distances are whole numbers and there is nothing to round: L1 is the
sum of absolute differences, L2 is ordered by the sum of squares. Two images at the same
distance are ordered by their position, so the answer is one and only one. (The usual loop
over `uint8` arrays wraps around at 256 and finds other images; floating-point products of
3,072 pixels exceed the 24 bits of a float's mantissa.)

Most images are never compared: bounds rule them out. Where they would not, as for noise, a
sample tells, and every query is compared with every image.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Int64, UInt8

from tasks.models.neighbours import brute, pruned, simd
from tasks.models.neighbours.bounds import bounds
from tasks.models.neighbours.nearest_list import FARTHEST
from tasks.models.neighbours.sums import Metric, padded
from tasks.stage import cores, progress

__all__ = ["Metric", "nearest"]

BLOCK = 64  # queries that one thread carries at a time, at most
FORCED = 128  # the same, if every row is measured
SAMPLE_ROWS, SAMPLE_QUERIES = 2048, 32  # at most
FEWEST = 64  # rows that tell anything
SPARED = 2**17  # pairs of bytes that are compared while bounds of one byte are prepared, and more
WORTH_IT = 0.2  # of the sample; if more must be measured, the bounds do not help

Found = tuple[Int64[np.ndarray, "q k"], Int64[np.ndarray, "q k"]]


def nearest(
    queries: UInt8[np.ndarray, "q *shape"],
    rows: UInt8[np.ndarray, "n *shape"],
    k: int,
    metric: Metric,
    *,
    memory_mib: int,
    vectorised: bool | None = None,
    prune: bool | None = None,
) -> Found:
    """Return the distances and positions of the k nearest rows of every query.

    Args:
        queries: pixels in 0..255, of pictures (h, w, c) or of vectors.
        rows: the same.
        k: at most n.
        metric: L2 distances are returned squared.
        memory_mib: of bounds that all threads hold; a thread needs 16 bytes a row at least.
        vectorised: whether to use AVX2; by default if the processor has it.
        prune: whether to use bounds; by default if they help.

    Returns:
        Ascending by (distance, position).
    """
    fast = simd.available() if vectorised is None else vectorised
    queries, rows = pictures(queries), pictures(rows)
    if prune is None:
        prune = helps(queries, rows, k, metric, vectorised=fast)
    what = f"{metric} neighbours"
    if not prune:
        return by_force(queries, rows, k, metric, vectorised=fast, what=what)
    block = block_for(len(rows), memory_mib)
    return by_bounds(queries, rows, k, metric, block, vectorised=fast, what=what)


def block_for(rows: int, memory_mib: int) -> int:
    """Return how many queries a thread carries, so that the bounds of all threads fit."""
    fitting = memory_mib * 2**20 // (cores() * 4 * rows)
    return max(min(fitting, BLOCK) // simd.ROWS * simd.ROWS, simd.ROWS)


def pictures(images: UInt8[np.ndarray, "n *shape"]) -> UInt8[np.ndarray, "n h w c"]:
    """Return images as (n, h, w, c); a vector is a picture of one row."""
    images = np.asarray(images)
    return images if images.ndim == 4 else images.reshape(len(images), 1, -1, 1)


def helps(
    queries: np.ndarray, rows: np.ndarray, k: int, metric: Metric, *, vectorised: bool
) -> bool:
    """Say whether bounds spare enough, by trying them on a sample of both.

    The sample is so small that it takes a few hundredths of comparing all with all; where that
    leaves too few rows, bounds would not pay anyway.
    """
    count = min(len(rows), SAMPLE_ROWS, len(queries) * len(rows) // SPARED)
    if count < FEWEST:
        return False
    some_rows = rows[:: -(-len(rows) // count)]
    some_queries = queries[:: -(-len(queries) // SAMPLE_QUERIES)]
    as_many = max(round(k * len(some_rows) / len(rows)), 1)
    distances, positions = nowhere(len(some_queries), as_many)
    one_block = with_bounds(some_queries, some_rows, metric, vectorised=vectorised)
    measured = one_block(slice(0, len(some_queries)), distances, positions)
    return measured < WORTH_IT * len(some_queries) * len(some_rows)


def nowhere(queries: int, k: int) -> Found:
    """Return lists of neighbours that are still empty."""
    return np.full((queries, k), FARTHEST, np.int64), np.full((queries, k), -1, np.int64)


def by_force(
    queries: np.ndarray, rows: np.ndarray, k: int, metric: Metric, *, vectorised: bool, what: str
) -> Found:
    """Compare every query with every row."""
    flat_rows = padded(rows.reshape(len(rows), -1))
    flat_queries = padded(queries.reshape(len(queries), -1), simd.ROWS)
    distances, positions = nowhere(len(flat_queries), k)
    search = brute.searcher(metric, vectorised=vectorised)

    def one_block(block: slice) -> None:
        search(flat_queries[block], flat_rows, distances[block], positions[block])

    in_threads(one_block, len(queries), FORCED, what)
    return distances[: len(queries)], positions[: len(queries)]


def by_bounds(
    queries: np.ndarray,
    rows: np.ndarray,
    k: int,
    metric: Metric,
    block: int,
    *,
    vectorised: bool,
    what: str,
) -> Found:
    """Compare every query with the rows that bounds do not rule out."""
    distances, positions = nowhere(len(queries), k)
    one_block = with_bounds(queries, rows, metric, vectorised=vectorised)
    in_threads(lambda some: one_block(some, distances, positions), len(queries), block, what)
    return distances, positions


def with_bounds(
    queries: np.ndarray, rows: np.ndarray, metric: Metric, *, vectorised: bool
) -> Callable[[slice, np.ndarray, np.ndarray], int]:
    """Return the search of one block of queries, which tells how many rows it measured."""
    known = bounds(queries, rows, metric, vectorised=vectorised)
    flat_queries, flat_rows = (padded(i.reshape(len(i), -1)) for i in (queries, rows))
    search = pruned.searcher(metric, vectorised=vectorised)

    def one_block(block: slice, distances: np.ndarray, positions: np.ndarray) -> int:
        return search(
            flat_queries[block], flat_rows, known.sums(block), known.linear, known.root,
            known.constants[block], known.queries[block], known.rows, known.closer_scale,
            known.closer_slack, distances[block], positions[block],
        )  # fmt: skip

    return one_block


def in_threads(one_block: Callable[[slice], object], count: int, size: int, what: str) -> None:
    """Do the blocks of `count` queries with all cores."""
    starts = range(0, count, size)
    with progress(what, count) as advance, ThreadPoolExecutor(cores()) as threads:
        for start, _ in zip(
            starts, threads.map(lambda s: one_block(slice(s, s + size)), starts), strict=True
        ):
            advance(min(size, count - start))
