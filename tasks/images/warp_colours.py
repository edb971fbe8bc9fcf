"""The kernel of `warp` for pictures of three channels without noise: a pixel at a time.

It makes the bytes of `warp_plain`, because it does the same sums in the same order.
"""

import numba
import numpy as np

from tasks.images.lanes import blend
from tasks.images.warp_plain import inside, scramble


@numba.njit(nogil=True, cache=True)
def warped(images, affine, factor, summand, saturation, erase, noise, border, out):
    """Fill `out` with the moved images; the arguments are those of `warp`."""
    n, height, width, _ = out.shape
    rows, columns = images.shape[1:3]
    picture = np.zeros((rows * columns + 1, 3), np.uint8)
    colours = np.zeros((2, 4))
    corner, weights = np.empty(width, np.int32), np.empty((4, width))
    for i in range(n):
        picture[:-1] = images[i].reshape(rows * columns, 3)
        colours[0, :3], colours[1, :3] = factor[i], summand[i]
        source, at = picture.ctypes.data, colours.ctypes.data
        target = out.ctypes.data + i * height * width * 3
        for y in range(height):
            look(
                affine[i], y, rows, columns, corner, weights[0], weights[1], weights[2], weights[3]
            )
            for x in range(width):
                if corner[x] >= 0:
                    first = source + corner[x]
                    below = first + 3 * columns
                    corners = first, first + 3, below, below + 3
                    weight = weights[0, x], weights[1, x], weights[2, x], weights[3, x]
                else:
                    corners, weight = look_outside(affine[i], x, y, rows, columns, border, source)
                blend(corners, weight, saturation[i], at, at + 32, target)  # type: ignore[call-arg]
                target += 3
        if erase[i, 2] > erase[i, 0]:
            cover(out[i], erase[i], noise[i])


@numba.njit(nogil=True, cache=True)
def look(a, y, height, width, corner, first, second, third, fourth):
    """Fill in where the pixels of a row look: the upper left of four, or -1, and four weights.

    The loop has no branch, so that the compiler makes vectors of it.
    """
    for x in range(len(corner)):
        row = a[1, 0] * x + a[1, 1] * y + a[1, 2]
        column = a[0, 0] * x + a[0, 1] * y + a[0, 2]
        top, left = np.floor(row), np.floor(column)
        down, right = row - top, column - left
        up, away = 1.0 - down, 1.0 - right
        first[x], second[x], third[x], fourth[x] = up * away, up * right, down * away, down * right
        within = (top >= 0) & (top < height - 1) & (left >= 0) & (left < width - 1)
        corner[x] = np.int32(3.0 * (top * width + left) if within else -1.0)


@numba.njit(nogil=True, cache=True)
def look_outside(a, x, y, height, width, border, source):
    """Return the addresses of the four pixels that one looks at, and their weights."""
    row = a[1, 0] * x + a[1, 1] * y + a[1, 2]
    column = a[0, 0] * x + a[0, 1] * y + a[0, 2]
    top, left = int(np.floor(row)), int(np.floor(column))
    down, right = row - top, column - left
    over, below = inside(top, height, border), inside(top + 1, height, border)
    here, beside = inside(left, width, border), inside(left + 1, width, border)
    up, away = (1.0 - down) * (over >= 0), (1.0 - right) * (here >= 0)
    down, right = down * (below >= 0), right * (beside >= 0)  # what is black has no weight
    upper, lower = source + 3 * width * max(over, 0), source + 3 * width * max(below, 0)
    here, beside = 3 * max(here, 0), 3 * max(beside, 0)
    corners = upper + here, upper + beside, lower + here, lower + beside
    return corners, (up * away, up * right, down * away, down * right)


@numba.njit(nogil=True, cache=True)
def cover(image, square, noise):
    """Give a square one random colour."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if square[0] <= x < square[2] and square[1] <= y < square[3]:
                for channel in range(3):
                    image[y, x, channel] = scramble(noise + np.uint64(channel)) >> np.uint64(56)
