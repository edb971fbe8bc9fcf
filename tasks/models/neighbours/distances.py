"""The nearest rows by L1 or L2, exactly, in integers.

Pixels are bytes, so distances are whole numbers and there is nothing to round: L1 is the
sum of absolute differences, L2 is ordered by the sum of squares. Two rows at the same
distance are ordered by their position, so the answer is one and only one. (The usual loop
over `uint8` arrays wraps around at 256 and loses a third of the accuracy; floating-point
products of 3,072 pixels exceed the 24 bits of a float's mantissa.)

Every query is compared with every row. A tile of rows stays in the second-level cache
while a block of queries passes over it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numba
import numpy as np
from jaxtyping import Int64, UInt8

from tasks.models.neighbours import simd
from tasks.stage import cores, progress

Metric = Literal["L1", "L2"]
BLOCK = 256  # queries that one thread carries at a time; a multiple of simd.ROWS
TILE_BYTES = 256 * 1024  # of rows; half of a usual second-level cache
PIECE = 128 * 1024  # bytes summed before 32-bit sums of squares could overflow: 2**31 / 130050 * 16
FARTHEST = np.iinfo(np.int64).max


def nearest(
    queries: UInt8[np.ndarray, "q d"],
    rows: UInt8[np.ndarray, "n d"],
    k: int,
    metric: Metric,
    *,
    vectorised: bool | None = None,
) -> tuple[Int64[np.ndarray, "q k"], Int64[np.ndarray, "q k"]]:
    """Return the distances and positions of the k nearest rows of every query.

    Args:
        queries: pixels in 0..255.
        rows: pixels in 0..255.
        k: at most n.
        metric: L2 distances are returned squared.
        vectorised: whether to use AVX2; by default if the processor has it.

    Returns:
        Ascending by (distance, position).
    """
    fast = simd.available() if vectorised is None else vectorised
    padded_queries, padded_rows = padded(queries, simd.ROWS), padded(rows, 1)
    distances = np.full((len(padded_queries), k), FARTHEST, np.int64)
    positions = np.full((len(padded_queries), k), -1, np.int64)
    search = (_vectorised if fast else _plain)[metric]

    def one_block(start: int) -> int:
        block = slice(start, start + BLOCK)
        search(padded_queries[block], padded_rows, distances[block], positions[block])
        return min(BLOCK, len(queries) - start)

    starts = range(0, len(queries), BLOCK)
    with (
        progress(f"{metric} neighbours", len(queries)) as advance,
        ThreadPoolExecutor(cores()) as threads,
    ):
        for done in threads.map(one_block, starts):
            advance(done)
    return distances[: len(queries)], positions[: len(queries)]


def padded(vectors: UInt8[np.ndarray, "n d"], multiple: int) -> UInt8[np.ndarray, "m e"]:
    """Append zeros, which add nothing to a distance, until the sizes suit the kernels."""
    n, d = vectors.shape
    short = (-n % multiple, -d % simd.STRIDE)
    if short == (0, 0):
        return np.ascontiguousarray(vectors)
    return np.pad(vectors, ((0, short[0]), (0, short[1])))


@numba.njit(nogil=True, cache=True)
def _insert(distance, position, distances, positions):
    """Put a row among the nearest, in the farthest one's stead, behind those equally far."""
    place = len(distances) - 1
    while place > 0 and distances[place - 1] > distance:
        distances[place] = distances[place - 1]
        positions[place] = positions[place - 1]
        place -= 1
    distances[place] = distance
    positions[place] = position


def _tiled(four: Callable[..., Any]) -> Callable[..., None]:
    """Compile a search that compares four queries with a row at a time."""

    @numba.njit(nogil=True, cache=True)
    def search(queries, rows, distances, positions):
        length, last = rows.shape[1], distances.shape[1] - 1
        tile = max(TILE_BYTES // length, 1)
        first_query, first_row = queries.ctypes.data, rows.ctypes.data
        for start in range(0, len(rows), tile):
            for q in range(0, len(queries), 4):
                for row in range(start, min(start + tile, len(rows))):
                    a, b, c, d = 0, 0, 0, 0
                    for piece in range(0, length, PIECE):
                        w, x, y, z = four(
                            first_query + q * length + piece,
                            length,
                            first_row + row * length + piece,
                            min(PIECE, length - piece),
                        )
                        a, b, c, d = a + w, b + x, c + y, d + z
                    for i, distance in enumerate((a, b, c, d)):
                        if distance < distances[q + i, last]:
                            _insert(distance, row, distances[q + i], positions[q + i])

    return search


@numba.njit(nogil=True, cache=True)
def _plain_l1(queries, rows, distances, positions):
    for q in range(len(queries)):
        for row in range(len(rows)):
            total = np.int64(0)
            for i in range(rows.shape[1]):
                total += abs(np.int32(queries[q, i]) - np.int32(rows[row, i]))
            if total < distances[q, -1]:
                _insert(total, row, distances[q], positions[q])


@numba.njit(nogil=True, cache=True)
def _plain_l2(queries, rows, distances, positions):
    for q in range(len(queries)):
        for row in range(len(rows)):
            total = np.int64(0)
            for i in range(rows.shape[1]):
                difference = np.int32(queries[q, i]) - np.int32(rows[row, i])
                total += difference * difference
            if total < distances[q, -1]:
                _insert(total, row, distances[q], positions[q])


_plain: dict[Metric, Callable[..., None]] = {"L1": _plain_l1, "L2": _plain_l2}
_vectorised: dict[Metric, Callable[..., None]] = {
    "L1": _tiled(simd.absolute),
    "L2": _tiled(simd.squared),
}
