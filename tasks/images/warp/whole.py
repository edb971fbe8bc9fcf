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
    """Fill `out`, uint8 (height, width), with the picture from (`right`, `down`) on."""
    rows, columns = picture.shape
    height, width = out.shape
    for y in range(height):
        row = inside(y + down, rows, border)
        for x in range(width):
            column = inside(x + right, columns, border)
            out[y, x] = picture[row, column] if row >= 0 and column >= 0 else 0
