"""Small pictures of large ones, by which L1 is bounded from below.

The difference of two sums is at most the sum of the differences. So the absolute difference
of the sums over a square of pixels, added up over all squares, is at most the L1 distance.
A square's sum is kept as its mean, rounded down to a byte: with n pixels a square, each
loses less than n, and a bound loses at most n - 1 for each square.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from jaxtyping import UInt8

from tasks.stage import cores

CHUNK = 256  # images that a thread takes at once


def pooled(images: UInt8[np.ndarray, "n h w c"], factor: int) -> UInt8[np.ndarray, "n d"]:
    """Return the means over squares of `factor` pixels a side, rounded down.

    Squares that stick out are filled up with zeros, in all images alike.
    """
    n, height, width, channels = images.shape
    small = np.empty((n, -(-height // factor), -(-width // factor), channels), np.uint8)
    starts = range(0, n, CHUNK)
    with ThreadPoolExecutor(cores()) as threads:
        chunks = (slice(start, start + CHUNK) for start in starts)
        list(
            threads.map(lambda c: shrink(np.ascontiguousarray(images[c]), factor, small[c]), chunks)
        )
    return small.reshape(n, -1)


@numba.njit(nogil=True, cache=True)
def shrink(images, factor, small):
    """Fill `small` with the means of `images`."""
    _, height, width, channels = images.shape
    sums = np.zeros(small.shape[1:], np.uint32)
    for i in range(len(images)):
        sums[:] = 0
        for y in range(height):
            for x in range(width):
                for channel in range(channels):
                    sums[y // factor, x // factor, channel] += images[i, y, x, channel]
        small[i] = sums // np.uint32(factor * factor)


def factor_for(shape: tuple[int, int, int], most: int) -> int:
    """Return the least power of two by which a picture shrinks to at most so many bytes."""
    height, width, channels = shape
    factor = 1
    while -(-height // factor) * -(-width // factor) * channels > most and factor < max(shape[:2]):
        factor *= 2
    return factor
