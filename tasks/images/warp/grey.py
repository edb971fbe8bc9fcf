"""The kernel of `warp` for pictures of one channel without noise: a row at a time.

It makes the bytes of `plain`, because it does the same sums in the same order: what that
leaves out, for it weighs nothing, adds zero here. One channel is its own mean, so saturation
changes nothing.
"""

import numba
import numpy as np

from tasks.images.warp.cover import cover
from tasks.images.warp.look import look_along


@numba.njit(nogil=True, cache=True)
def warped(images, affine, factor, summand, erase, noise, border, out):
    """Fill `out` with the moved images; the arguments are those of `warp`."""
    n, height, width, _ = out.shape
    rows, columns = images.shape[1:3]
    place, weight = np.empty((4, width), np.int32), np.empty((4, width))
    upper, lower, here, beside = place[0], place[1], place[2], place[3]
    up, down, left, right = weight[0], weight[1], weight[2], weight[3]
    for i in range(n):
        picture = images[i].reshape(rows * columns)
        contrast, brightness = factor[i, 0], summand[i, 0]
        for y in range(height):
            look_along(border, affine[i, 1], y, rows, columns, upper, lower, up, down)
            if y == 0 or affine[i, 0, 1] != 0.0:  # else every row looks at the same columns
                look_along(border, affine[i, 0], y, columns, 1, here, beside, left, right)
            for x in range(width):
                value = up[x] * left[x] * picture[np.uint64(upper[x] + here[x])]
                value += up[x] * right[x] * picture[np.uint64(upper[x] + beside[x])]
                value += down[x] * left[x] * picture[np.uint64(lower[x] + here[x])]
                value += down[x] * right[x] * picture[np.uint64(lower[x] + beside[x])]
                value = value * contrast + brightness + 0.5
                out[i, y, x, 0] = np.uint8(np.int32(min(max(value, 0.0), 255.0)))
        if erase[i, 2] > erase[i, 0]:
            cover(out[i], erase[i], noise[i])
