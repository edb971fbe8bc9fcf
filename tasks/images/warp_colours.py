"""The kernel of `warp` for pictures of three channels without noise: a pixel at a time.

It makes the bytes of `warp_plain`, because it does the same sums in the same order. A row of
output is first looked up, without a branch, so that the compiler makes vectors of it: where
the four pixels around each position lie, and what they weigh. Then they are blended.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from tasks.images.lanes import blend
from tasks.images.warp_plain import EDGE, REFLECT, ZERO, scramble


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


LOOK_REFLECTED = looking(reflected, black=False)
LOOK_NEAREST = looking(nearest, black=False)
LOOK_BLACK = looking(nearest, black=True)


@numba.njit(nogil=True, cache=True)
def look_along(border, moves, y, length, step, first, second, near, far):
    """Look along one axis with the border that is wanted."""
    if border == REFLECT:
        LOOK_REFLECTED(moves, y, length, step, first, second, near, far)
    elif border == EDGE:
        LOOK_NEAREST(moves, y, length, step, first, second, near, far)
    elif border == ZERO:
        LOOK_BLACK(moves, y, length, step, first, second, near, far)


@numba.njit(nogil=True, cache=True)
def warped(images, affine, factor, summand, saturation, erase, noise, border, out):
    """Fill `out` with the moved images; the arguments are those of `warp`."""
    n, height, width, _ = out.shape
    rows, columns = images.shape[1:3]
    picture = np.zeros((rows * columns + 1, 3), np.uint8)
    colours = np.zeros((2, 4))
    place, weight = np.empty((4, width), np.int32), np.empty((4, width))
    upper, lower, here, beside = place[0], place[1], place[2], place[3]
    up, down, left, right = weight[0], weight[1], weight[2], weight[3]
    for i in range(n):
        picture[:-1] = images[i].reshape(rows * columns, 3)
        colours[0, :3], colours[1, :3] = factor[i], summand[i]
        source, at = picture.ctypes.data, colours.ctypes.data
        target = out.ctypes.data + i * height * width * 3
        for y in range(height):
            look_along(border, affine[i, 1], y, rows, 3 * columns, upper, lower, up, down)
            look_along(border, affine[i, 0], y, columns, 3, here, beside, left, right)
            for x in range(width):
                above, below = source + upper[x], source + lower[x]
                blend(
                    (above + here[x], above + beside[x], below + here[x], below + beside[x]),
                    (up[x] * left[x], up[x] * right[x], down[x] * left[x], down[x] * right[x]),
                    saturation[i],
                    at,
                    at + 32,
                    target + 3 * (y * width + x),
                )  # type: ignore[call-arg]
        if erase[i, 2] > erase[i, 0]:
            cover(out[i], erase[i], noise[i])


@numba.njit(nogil=True, cache=True)
def cover(image, square, noise):
    """Give a square one random colour."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if square[0] <= x < square[2] and square[1] <= y < square[3]:
                for channel in range(3):
                    image[y, x, channel] = scramble(noise + np.uint64(channel)) >> np.uint64(56)
