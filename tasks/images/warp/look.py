"""Where a row of moved pixels looks in the source, and what its four neighbours weigh.

Without a branch, so that the compiler makes vectors of it. The positions and weights are
those of `plain.sample`, to the bit, for the same sums are made in the same order.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from tasks.images.warp.plain import EDGE, REFLECT, ZERO


@numba.njit(nogil=True, cache=True)
def reflected(position, length):
    """Return the row or column to read instead of one outside, all whole numbers in float64."""
    period = max(2.0 * (length - 1), 1.0)  # the edge itself is not repeated
    position = abs(position)
    position -= period * np.floor(position * (1.0 / period))
    position += period if position < 0.0 else 0.0  # the quotient may be wrong by one
    position -= period if position >= period else 0.0
    return position if position < length else period - position


@numba.njit(nogil=True, cache=True)
def itself(position, _):
    """Return a row or column that is inside."""
    return position


@numba.njit(nogil=True, cache=True)
def nearest(position, length):
    """Return the nearest row or column inside."""
    return min(max(position, 0.0), length - 1.0)


def looking(instead: Callable[..., Any], *, black: bool) -> Callable[..., None]:
    """Compile what fills in, for a row of output and one axis, where its pixels look.

    These are two neighbours on the axis, as so many `step` bytes, and what each weighs.

    Args:
        instead: returns what to read in place of what lies outside.
        black: whether that has no weight.
    """

    @numba.njit(nogil=True, cache=True)
    def look(moves, y, length, step, first, second, near, far):
        across, along, beyond = moves[0], moves[1] * y, moves[2]
        for x in range(len(first)):
            position = across * x + along + beyond
            low = np.floor(position)
            share = position - low
            rest = 1.0 - share
            if black:
                rest = rest if 0.0 <= low < length else 0.0
                share = share if -1.0 <= low < length - 1 else 0.0
            first[x] = np.int32(step * instead(low, length))
            second[x] = np.int32(step * instead(low + 1.0, length))
            near[x], far[x] = rest, share

    return look


LOOK_INSIDE = looking(itself, black=False)
LOOK_REFLECTED = looking(reflected, black=False)
LOOK_NEAREST = looking(nearest, black=False)
LOOK_BLACK = looking(nearest, black=True)


@numba.njit(nogil=True, cache=True)
def look_along(border, moves, y, length, step, first, second, near, far):
    """Look along one axis with the border that is wanted, if the row needs any."""
    across, along, beyond = moves[0], moves[1] * y, moves[2]
    start, end = np.floor(along + beyond), np.floor(across * (len(first) - 1) + along + beyond)
    if 0.0 <= start < length - 1 and 0.0 <= end < length - 1:  # so are those between them
        LOOK_INSIDE(moves, y, length, step, first, second, near, far)
    elif border == REFLECT:
        LOOK_REFLECTED(moves, y, length, step, first, second, near, far)
    elif border == EDGE:
        LOOK_NEAREST(moves, y, length, step, first, second, near, far)
    elif border == ZERO:
        LOOK_BLACK(moves, y, length, step, first, second, near, far)
