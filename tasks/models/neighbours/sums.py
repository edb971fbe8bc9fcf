"""The distance of four rows from one, exactly, by the fastest means that this processor has."""

from collections.abc import Callable
from typing import Any, Literal

import numba
import numpy as np
from jaxtyping import UInt8

from tasks.models.neighbours import simd

Metric = Literal["L1", "L2"]
METRICS: tuple[Metric, ...] = ("L1", "L2")
Four = Callable[..., Any]  # (rows, a, b, c, d, others, i): of rows a, b, c, d from row i of others
PIECE = 128 * 1024  # bytes summed before 32-bit sums of squares could overflow: 2**31 / 130050 * 16


def four(metric: Metric, *, vectorised: bool) -> Four:
    """Return the compiled function for a metric; L2 is squared.

    Args:
        metric: of the distances, int64.
        vectorised: whether to use AVX2; then rows are a multiple of `simd.STRIDE` bytes long.
    """
    return (VECTORISED if vectorised else PLAIN)[metric]


def padded(vectors: UInt8[np.ndarray, "n d"], multiple: int = 1) -> UInt8[np.ndarray, "m e"]:
    """Append zeros, which add nothing to a distance, until the sizes suit the kernels."""
    n, d = vectors.shape
    short = (-n % multiple, -d % simd.STRIDE)
    if short == (0, 0):
        return np.ascontiguousarray(vectors)
    return np.pad(vectors, ((0, short[0]), (0, short[1])))


def _by_address(add: Callable[..., Any]) -> Four:
    @numba.njit(nogil=True, cache=True)
    def four_sums(rows, a, b, c, d, others, i):
        length = rows.shape[1]
        first, other = rows.ctypes.data, others.ctypes.data + i * length
        p, q, r, s = 0, 0, 0, 0
        for piece in range(0, length, PIECE):
            w, x, y, z = add(
                first + a * length + piece,
                first + b * length + piece,
                first + c * length + piece,
                first + d * length + piece,
                other + piece,
                min(PIECE, length - piece),
            )
            p, q, r, s = p + w, q + x, r + y, s + z
        return p, q, r, s

    return four_sums


@numba.njit(nogil=True, cache=True)
def _absolute(row, other):
    total = np.int64(0)
    for i in range(len(row)):
        total += abs(np.int32(row[i]) - np.int32(other[i]))
    return total


@numba.njit(nogil=True, cache=True)
def _squared(row, other):
    total = np.int64(0)
    for i in range(len(row)):
        difference = np.int32(row[i]) - np.int32(other[i])
        total += difference * difference
    return total


def _one_by_one(distance: Callable[..., Any]) -> Four:
    @numba.njit(nogil=True, cache=True)
    def four_sums(rows, a, b, c, d, others, i):
        other = others[i]
        return (
            distance(rows[a], other),
            distance(rows[b], other),
            distance(rows[c], other),
            distance(rows[d], other),
        )

    return four_sums


PLAIN: dict[Metric, Four] = {"L1": _one_by_one(_absolute), "L2": _one_by_one(_squared)}
VECTORISED: dict[Metric, Four] = {
    "L1": _by_address(simd.absolute),
    "L2": _by_address(simd.squared),
}
