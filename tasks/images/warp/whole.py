"""Pictures of one channel that only move by whole pixels: rows are copied, nothing is weighed.

All four neighbours of a position but one then weigh nothing, so a copy is what `plain` makes,
to the byte, without its sums.
"""

import numba
import numpy as np

from tasks.images.warp.plain import inside

FAR = 2.0**31  # pixels; beyond it positions are left to the other kernels


@numba.njit(nogil=True, cache=True)
def is_whole(affine, factor, summand):
    """Say whether a map neither turns nor stretches, moves by whole pixels, changes no colour."""
    right, down = affine[0, 2], affine[1, 2]
    stays = affine[0, 0] == 1.0 and affine[1, 1] == 1.0
    stays = stays and affine[0, 1] == 0.0 and affine[1, 0] == 0.0
    stays = stays and factor == 1.0 and summand == 0.0
    near = abs(right) < FAR and abs(down) < FAR
    return stays and near and right == np.floor(right) and down == np.floor(down)


@numba.njit(nogil=True, cache=True)
def copied(picture, right, down, border, out):
    """Fill `out`, uint8 (h, w), with the picture, as large, from (`right`, `down`) on.

    What lies inside moves at one go, as do the ends of its rows, over which the columns that
    lie outside are then laid, and the rows that do.
    """
    height, width = picture.shape
    left, end = min(max(-right, 0), width), max(min(width - right, width), 0)
    top, bottom = min(max(-down, 0), height), max(min(height - down, height), 0)
    if left < end and top < bottom:
        first, last = top * width + left, (bottom - 1) * width + end
        pixels, moved = picture.reshape(height * width), out.reshape(height * width)
        shift(pixels, moved, np.uint64(first + down * width + right), first, last)
    for x in range(width):
        if x < left or x >= end:
            column = inside(x + right, width, border)
            for y in range(top, bottom):
                out[y, x] = picture[y + down, column] if column >= 0 else 0
    for y in range(height):
        if y < top or y >= bottom:
            row = inside(y + down, height, border)
            for x in range(width):
                column = inside(x + right, width, border) if row >= 0 else -1
                out[y, x] = picture[row, column] if column >= 0 else 0


@numba.njit(nogil=True, cache=True)
def shift(pixels, moved, source, first, last):
    """Fill `moved` from `first` to before `last` with pixels from `source` on."""
    target = np.uint64(first)
    for i in range(np.uint64(last - first)):
        moved[target + i] = pixels[source + i]
