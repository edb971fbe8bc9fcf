"""The kernel of `warp` for pictures of three channels without noise: a pixel at a time.

It makes the bytes of `plain`, because it does the same sums in the same order. A row of
output is first looked up (see `look`), then blended.
"""

import numba
import numpy as np

from tasks.images.lanes import blend
from tasks.images.warp.cover import cover
from tasks.images.warp.look import look_along


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
            if y == 0 or affine[i, 0, 1] != 0.0:  # else every row looks at the same columns
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
