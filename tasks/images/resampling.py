"""Resize antialiased, byte for byte as Pillow 13 does, in a fraction of its time.

Each new pixel is the mean of the old ones below a triangle that is as wide as the reduction,
along the rows and along the columns, with weights of 22 binary digits. Pillow's is the
definition, and the oracle in the tests (https://pillow.readthedocs.io/en/stable/handbook/
concepts.html#filters). What is saved is its way through pictures of four bytes a pixel, and
the weighing of one byte at a time (see `lanes`). And pixels stay the same if Pillow changes
its mind, as it did in 13 about which way comes first.

The sum of n weights is 1 within n 2**-23, so of more than 16,000 it may exceed 1 by enough for
a white pixel to leave 0..255; it stays white.
"""

import numba
import numpy as np
from jaxtyping import UInt8

from tasks.images.lanes import DIGITS, HALF, weigh
from tasks.images.scratch import scratch


def resampled(
    pixels: UInt8[np.ndarray, "h w 3"], height: int, width: int
) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture of another size.

    Args:
        pixels: in colour, contiguous.
        height: of the result; a length that does not change is not touched.
        width: the same.
    """
    lost_rows, lost_columns = pixels.shape[0] - height, pixels.shape[1] - width
    columns_first = lost_rows > max(2 * lost_columns, 0)  # fewer pixels are then weighed twice
    if columns_first:
        pixels = _along_columns(pixels, height)
    if lost_columns:
        between = scratch("rows", pixels.shape[0] * width * 3 + 1)
        pixels = _along_rows(pixels, width, between)
    if lost_rows and not columns_first:
        return _along_columns(pixels, height)
    return pixels.copy() if lost_columns else pixels


@numba.njit(nogil=True, cache=True)
def _weights(old, new):
    """Return where each new pixel begins to look, and the weights of as many old ones each."""
    scale = old / new
    widened = max(scale, 1.0)  # the triangle; as wide as a pixel where the picture grows
    count = min(int(2.0 * widened) + 1, old)
    first, weights = np.empty(new, np.int64), np.zeros((new, count), np.int32)
    triangle = np.empty(count, np.float64)
    for i in range(new):
        centre = (i + 0.5) * scale
        start = max(int(centre - widened + 0.5), 0)
        end = min(int(centre + widened + 0.5), old)
        total = 0.0
        for j in range(end - start):
            triangle[j] = max(1.0 - abs((j + start - centre + 0.5) * (1.0 / widened)), 0.0)
            total += triangle[j]
        first[i] = min(start, old - count)  # as many for each, so that processors foresee it
        for j in range(end - start):
            weights[i, start - first[i] + j] = int(0.5 + triangle[j] / total * (1 << DIGITS))
    return first, weights


@numba.njit(nogil=True, cache=True)
def _along_rows(pixels, width, out):
    """Return the picture with another width, in memory for it and one byte more."""
    height, old, _ = pixels.shape
    first, weights = _weights(old, width)
    count = weights.shape[1]
    last_row = np.zeros((old + 1, 3), np.uint8)
    last_row[:-1] = pixels[-1]
    for y in range(height):
        source = last_row.ctypes.data if y == height - 1 else pixels.ctypes.data + y * old * 3
        weight, target = weights.ctypes.data, out.ctypes.data + y * width * 3
        for x in range(width):
            weigh(source + 3 * first[x], weight + 4 * count * x, count, target + 3 * x)  # type: ignore[call-arg]
    return out[:-1].reshape(height, width, 3)


@numba.njit(nogil=True, cache=True)
def _along_columns(pixels, height):
    """Return the picture with another height."""
    old, width, channels = pixels.shape
    first, weights = _weights(old, height)
    flat = pixels.reshape(old, width * channels)
    out = np.empty((height, width * channels), np.uint8)
    totals = np.empty(width * channels, np.int32)
    for y in range(height):
        totals[:] = HALF
        for j in range(weights.shape[1]):
            weight, row = weights[y, j], flat[first[y] + j]
            for i in range(len(totals)):
                totals[i] += np.int32(weight * np.int32(row[i]))
        for i in range(len(totals)):
            out[y, i] = min(totals[i] >> DIGITS, 255)
    return out.reshape(height, width, channels)
