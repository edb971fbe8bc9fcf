"""Cover a square of a picture with one random colour, as `warp.Moves` says."""

import numba
import numpy as np

from tasks.images.warp.plain import scramble


@numba.njit(nogil=True, cache=True)
def cover(image, square, noise):
    """Draw a colour for the pixels inside of left, top, right, bottom; uint8 (h, w, c)."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if square[0] <= x < square[2] and square[1] <= y < square[3]:
                for channel in range(image.shape[2]):
                    image[y, x, channel] = scramble(noise + np.uint64(channel)) >> np.uint64(56)
