"""The kernel of `warp` for any picture, one number after the other: slow, and the oracle."""

import numba
import numpy as np

REFLECT, EDGE, ZERO = 0, 1, 2


@numba.njit(nogil=True, cache=True)
def inside(position: int, length: int, border: int) -> int:
    """Return the row or column to read instead of one outside, or -1 for black."""
    if 0 <= position < length:
        return position
    if border == ZERO:
        return -1
    if border == EDGE or length == 1:
        return 0 if position < 0 else length - 1
    period = 2 * (length - 1)  # the edge itself is not repeated
    position = abs(position)
    if position >= period:
        position = position % period  # a division, which most positions can do without
    return position if position < length else period - position


@numba.njit(nogil=True, cache=True)
def scramble(z: np.uint64) -> np.uint64:
    """The mixer of `randomness.mix`, for one word."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(nogil=True, cache=True)
def normal(word: np.uint64) -> float:
    """Return a number that is nearly normal: the sum of four uniform ones (Irwin-Hall)."""
    total = 0.0
    for quarter in range(4):
        total += float((word >> np.uint64(16 * quarter)) & np.uint64(0xFFFF)) / 65536.0
    return (total - 2.0) * 1.7320508075688772  # to deviation 1: the variance of the sum is 1/3


@numba.njit(nogil=True, cache=True)
def sample(image, y, x, border, out):
    """Interpolate all channels at one position, bilinearly."""
    height, width, channels = image.shape
    top, left = int(np.floor(y)), int(np.floor(x))
    down, right = y - top, x - left
    for channel in range(channels):
        out[channel] = 0.0
    for dy in range(2):
        row = inside(top + dy, height, border)
        weight_y = down if dy else 1.0 - down
        if row < 0 or weight_y == 0.0:
            continue
        for dx in range(2):
            column = inside(left + dx, width, border)
            weight = weight_y * (right if dx else 1.0 - right)
            if column < 0 or weight == 0.0:
                continue
            for channel in range(channels):
                out[channel] += weight * image[row, column, channel]


@numba.njit(nogil=True, cache=True)
def warped(
    images,
    affine,
    factor,
    summand,
    saturation,
    erase,
    noise,
    border,
    deviation,
    out,
):
    """Fill `out` with the moved images; the arguments are those of `warp`."""
    n, height, width, channels = out.shape
    pixel = np.empty(channels, np.float64)
    for i in range(n):
        a = affine[i]
        for y in range(height):
            for x in range(width):
                sample(
                    images[i],
                    a[1, 0] * x + a[1, 1] * y + a[1, 2],
                    a[0, 0] * x + a[0, 1] * y + a[0, 2],
                    border,
                    pixel,
                )
                erased = erase[i, 0] <= x < erase[i, 2] and erase[i, 1] <= y < erase[i, 3]
                grey = 0.0
                for channel in range(channels):
                    grey += pixel[channel] / channels
                for channel in range(channels):
                    value = pixel[channel]
                    if saturation[i] != 1.0:
                        value = grey + (value - grey) * saturation[i]
                    value = value * factor[i, channel] + summand[i, channel]
                    if erased:
                        value = float(scramble(noise[i] + np.uint64(channel)) >> np.uint64(56))
                    if deviation > 0.0:
                        position = np.uint64(3 * (y * width + x) + channel + 3)
                        value += deviation * normal(scramble(noise[i] + position))
                    out[i, y, x, channel] = np.uint8(min(max(value + 0.5, 0.0), 255.0))
