"""The kernel of `warp` for pictures of one channel without noise: a row at a time.

It makes the bytes of `plain`, because it does the same sums in the same order: what that
leaves out, for it weighs nothing, adds zero here. One channel is its own mean, so saturation
changes nothing. What only moves by whole pixels is copied (see `whole`).
"""

import numba
import numpy as np

from tasks.images.warp.cover import cover
from tasks.images.warp.look import look_along
from tasks.images.warp.whole import copied, is_whole


@numba.njit(nogil=True, cache=True)
def warped(images, affine, factor, summand, erase, noise, border, out):
    """Fill `out` with the moved images; the arguments are those of `warp`."""
    n, height, width, _ = out.shape
    rows, columns = images.shape[1:3]
    place, weight = np.empty((4, width), np.int32), np.empty((4, width))
    alike = (rows, columns) == (height, width)
    for i in range(n):
        picture, moved = images[i].reshape(rows, columns), out[i].reshape(height, width)
        contrast, brightness = factor[i, 0], summand[i, 0]
        if alike and is_whole(affine[i], contrast, brightness):
            copied(picture, int(affine[i, 0, 2]), int(affine[i, 1, 2]), border, moved)
        else:
            weighed(picture, affine[i], contrast, brightness, border, place, weight, moved)
        if erase[i, 2] > erase[i, 0]:
            cover(out[i], erase[i], noise[i])


@numba.njit(nogil=True, cache=True)
def weighed(picture, affine, contrast, brightness, border, place, weight, out):
    """Fill `out`, uint8 (height, width), with one picture; `place`, `weight` serve a row."""
    upper, lower, here, beside = place[0], place[1], place[2], place[3]
    up, down, left, right = weight[0], weight[1], weight[2], weight[3]
    rows, columns = picture.shape
    pixels = picture.reshape(rows * columns)
    height, width = out.shape
    for y in range(height):
        look_along(border, affine[1], y, rows, columns, upper, lower, up, down)
        if y == 0 or affine[0, 1] != 0.0:  # else every row looks at the same columns
            look_along(border, affine[0], y, columns, 1, here, beside, left, right)
        for x in range(width):
            value = up[x] * left[x] * pixels[np.uint64(upper[x] + here[x])]
            value += up[x] * right[x] * pixels[np.uint64(upper[x] + beside[x])]
            value += down[x] * left[x] * pixels[np.uint64(lower[x] + here[x])]
            value += down[x] * right[x] * pixels[np.uint64(lower[x] + beside[x])]
            value = value * contrast + brightness + 0.5
            out[y, x] = np.uint8(np.int32(min(max(value, 0.0), 255.0)))
