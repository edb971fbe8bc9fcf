"""Short vectors for long ones, by which L2 is bounded from below.

Let B be a matrix of integers, and s no less than its norm. Then s^2 I - B'B = C'C for some C,
and s^2 |x|^2 = |Bx|^2 + |Cx|^2. Of Cx only the length is kept, as one coordinate more than those
of Bx: the lengths of Cx and Cy differ by at most |C(x - y)|, so the short vectors of x and y are no
farther apart than s |x - y|. They are divided by t and rounded to integers V, which moves each
by at most sqrt(m) / 2, of m coordinates: |Vx - Vy| <= s/t |x - y| + sqrt(m).

The rows of B are s times waves of the discrete cosine transform, because pictures vary most in few
of them (Ahmed, Natarajan and Rao 1974, https://doi.org/10.1109/T-C.1974.223784); along three
channels it makes brightness and two opponent colours, of which brightness varies most. The ones
of most variance are taken. Rounded to integers they are not quite orthogonal, so s, the root
of the largest sum of absolute products with a row, is a little more (Gershgorin 1931).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float64, Int16, UInt8
from scipy.fft import dctn, idct

from tasks.models.neighbours.products import SIDE, multiplier, packed
from tasks.models.neighbours.simd import ROWS
from tasks.stage import cores

STEP = 64  # images that are shortened at a time
COLUMNS = 4096  # of a matrix at a time
MIDDLE = 128  # is taken from all pixels, which changes no distance
LONGEST = 32_000  # of short vectors: their coordinates need 16 bits, their products 31
ENTRY = 2**15 - 1  # of the matrix
AXES = (1, 2, 3)


@dataclass(frozen=True)
class Projection:
    """A matrix B, with s and t as above."""

    matrix: Int16[np.ndarray, "m d"]
    norm: float
    divisor: float

    @property
    def scale(self) -> float:
        """By how much longer short vectors may be than long ones."""
        return self.norm / self.divisor

    def moved(self) -> float:
        """Return how much farther apart than before, squared, two rounded vectors may be at most.

        Each of m products is rounded by 1/2 at most. The length of Cx is the root of a difference
        of numbers, divided by t^2, up to LONGEST^2, computed in float64: sums of m squares and
        nine more roundings lose (m + 9) 2^-53 of that, and the root LONGEST sqrt(m + 9) 2^-26.5,
        which is less than 1/200 while m < 191, besides its own 1/2. With one more than the m + 1
        coordinates, half a unit is left, also for what a limit loses in float64.
        """
        return len(self.matrix) + 2.0


def projection(images: UInt8[np.ndarray, "n h w c"], count: int) -> Projection:
    """Return the matrix of the `count` waves that vary most over some images.

    Any part of the sum of a row with x is at most the product of their lengths. That of x is at
    most MIDDLE sqrt(d), and rounding adds sqrt(d) / 2 to the row's: it all stays below 2^31.
    """
    shape, root = images.shape[1:], np.sqrt(images[0].size)
    kept = np.unravel_index(varied(images, count), shape)
    waves = [tuple(map(wave, shape, where)) for where in zip(*kept, strict=True)]
    largest = max(np.prod([np.abs(axis).max() for axis in axes]) for axes in waves)
    length = min(ENTRY / largest, max((2**31 - 1) / (MIDDLE * root) - root / 2, 0.0))
    matrix = np.empty((len(waves), images[0].size), np.int16)
    for row, (down, right, colours) in zip(matrix, waves, strict=True):
        row[:] = np.rint(length * np.kron(down, np.kron(right, colours)))
    norm = np.nextafter(np.sqrt(max(row_products(matrix).sum(axis=1).max(), 1.0)), np.inf)
    return Projection(matrix, norm, norm * MIDDLE * root / LONGEST)


def wave(length: int, number: int) -> Float64[np.ndarray, "length"]:
    """Return one wave along an axis, of length 1."""
    return idct(np.eye(1, length, number)[0], norm="ortho")


def row_products(matrix: Int16[np.ndarray, "m d"]) -> Float64[np.ndarray, "m m"]:
    """Return the absolute products of all rows: whole numbers below 2^53, so nothing is lost."""
    total = np.zeros((len(matrix), len(matrix)))
    for start in range(0, matrix.shape[1], COLUMNS):
        some = matrix[:, start : start + COLUMNS].astype(np.float64)
        total += some @ some.T
    return np.abs(total)


def varied(images: UInt8[np.ndarray, "n h w c"], count: int) -> np.ndarray:
    """Return which coordinates vary most over some images."""
    total, squared = np.zeros((2, images[0].size))
    for start in range(0, len(images), STEP):
        values = coordinates(images[start : start + STEP])
        total += values.sum(axis=0)
        squared += np.einsum("nd,nd->d", values, values)
    variance = squared / len(images) - (total / len(images)) ** 2
    return np.sort(np.argsort(-variance, kind="stable")[:count])


def coordinates(images: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n d"]:
    """Return all coordinates of images in the orthonormal basis."""
    return dctn(images.astype(np.float64), axes=AXES, norm="ortho").reshape(len(images), -1)


def shortened(
    images: UInt8[np.ndarray, "n h w c"], by: Projection, *, vectorised: bool
) -> Int16[np.ndarray, "n m"]:
    """Return the short vectors of images, the length of the rest last."""
    count, pixels = by.matrix.shape
    rows = packed(by.matrix)
    nothing = np.zeros(len(rows) * SIDE, np.int32)
    multiply = multiplier(vectorised=vectorised)
    short = np.empty((len(images), count + 1), np.int16)

    def one_step(start: int) -> None:
        some = np.ascontiguousarray(images[start : start + STEP]).reshape(-1, pixels)
        centred = np.zeros((len(some) + -len(some) % ROWS, 2 * rows.shape[1]), np.int16)
        squared = centre(some, centred)
        sums = np.empty((len(centred), len(nothing)), np.int32)
        multiply(centred, rows, nothing, sums)
        values = sums[: len(some), :count] / by.divisor
        rest = squared * by.scale**2 - np.einsum("nm,nm->n", values, values)
        short[start : start + STEP, :-1] = np.rint(values)
        short[start : start + STEP, -1] = np.rint(np.sqrt(np.maximum(rest, 0.0)))

    with ThreadPoolExecutor(cores()) as threads:
        list(threads.map(one_step, range(0, len(images), STEP)))
    return short


@numba.njit(nogil=True, cache=True)
def centre(images, centred):
    """Fill `centred` with pixels less MIDDLE, and return the squared lengths."""
    squared = np.zeros(len(images))
    for i in range(len(images)):
        total = np.int64(0)
        for j in range(images.shape[1]):
            value = np.int32(images[i, j]) - np.int32(MIDDLE)
            centred[i, j] = value
            total += value * value
        squared[i] = total
    return squared
