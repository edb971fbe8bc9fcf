"""Cover a square of a picture with one random colour, as `warp.Moves` says."""

import numba
import numpy as np

from tasks.images.warp.plain import scramble


@numba.njit(nogil=True, cache=True)
def cover(image, square, noise):
    """Draw a colour for the pixels inside of left, top, right, bottom; uint8 (h, w, c)."""
    height, width, channels = image.shape
    left, right = within(square[0], width), within(square[2], width)
    top, bottom = within(square[1], height), within(square[3], height)
    for channel in range(channels):
        colour = scramble(noise + np.uint64(channel)) >> np.uint64(56)
        image[top:bottom, left:right, channel] = np.uint8(colour)


@numba.njit(nogil=True, cache=True)
def within(edge, length):
    """Return the first row or column that is not before an edge."""
    return int(min(max(np.ceil(edge), 0.0), float(length)))
