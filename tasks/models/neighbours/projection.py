"""Short vectors for long ones, by which L2 is bounded from below.

An orthonormal basis keeps distances. The coordinates are those of the discrete cosine
transform, because pictures vary most in few of them (Ahmed, Natarajan and Rao 1974,
https://doi.org/10.1109/T-C.1974.223784); along three channels it makes brightness and two
opponent colours, of which brightness varies most. The ones of most variance are kept, and
the length of the rest becomes one coordinate more. By the triangle inequality the rests of
two pictures are at least as far apart as their lengths differ, so the distance of the
short vectors, squared, is at most that of the pictures.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from scipy.fft import dct, dctn
from threadpoolctl import threadpool_limits

from tasks.stage import cores

STEP = 64  # images that are shortened at a time
SINGLE, DOUBLE = 2.0**-24, 2.0**-53  # a rounded float32, float64 is within this share

AXES = (1, 2, 3)


def coordinates(images: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n d"]:
    """Return all coordinates of images in the orthonormal basis."""
    return dctn(images.astype(np.float64), axes=AXES, norm="ortho").reshape(len(images), -1)


def varied(images: UInt8[np.ndarray, "n h w c"], count: int) -> np.ndarray:
    """Return which coordinates vary most over some images."""
    total, squared = np.zeros((2, images[0].size))
    for start in range(0, len(images), STEP):
        values = coordinates(images[start : start + STEP])
        total += values.sum(axis=0)
        squared += np.einsum("nd,nd->d", values, values)
    variance = squared / len(images) - (total / len(images)) ** 2
    return np.sort(np.argsort(-variance, kind="stable")[:count])


def projected(
    images: UInt8[np.ndarray, "n h w c"], kept: np.ndarray
) -> tuple[Float32[np.ndarray, "n m"], Float64[np.ndarray, "n"]]:
    """Return the kept coordinates with the length of the rest, and the squared lengths of images.

    The transform is made along the rows, and then along columns and channels, of as many waves
    as hold what is kept. The squared lengths are whole numbers below 2**53: nothing is lost.
    """
    shape = images.shape[1:]
    waves = np.unravel_index(kept, shape)
    down, right = (int(wave.max()) + 1 for wave in waves[:2])
    rows, columns, colours = (dct(np.eye(length), axis=0, norm="ortho") for length in shape)
    across = np.kron(columns[:right], colours).T
    chosen = np.ravel_multi_index(waves, (down, right, shape[2]))
    short = np.empty((len(images), len(kept) + 1), np.float32)
    squared = np.empty(len(images))

    def one_step(start: int) -> None:
        some = slice(start, start + STEP)
        pixels = images[some].reshape(-1, shape[0], shape[1] * shape[2]).astype(np.float64)
        values = (rows[:down] @ pixels).reshape(-1, len(across)) @ across
        values = values.reshape(len(pixels), -1)[:, chosen]
        squared[some] = np.einsum("nij,nij->n", pixels, pixels)
        rest = squared[some] - np.einsum("nm,nm->n", values, values)
        short[some, :-1] = values
        short[some, -1] = np.sqrt(np.maximum(rest, 0.0))

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores()) as threads:
        list(threads.map(one_step, range(0, len(images), STEP)))
    return short, squared


def rounding_share(length: int, pixels: int) -> float:
    """Return by how much a product of short vectors may be wrong, as a share of their lengths.

    Coordinates are rounded to float32 (a share u of each), and a sum of m products loses at
    most m u / (1 - m u) of the sum of their sizes, in any order (Higham 2002, "Accuracy and
    Stability of Numerical Algorithms", 3.1), which is at most the product of the lengths.
    Two roundings more than there are products cover the coordinates; two more, that these
    were themselves computed, in float64.

    The rest is the root of a difference of squares. A value is a sum over rows of sums over
    columns and channels, of h + wc terms, no more than the n = hwc pixels and 1; four more
    cover the roundings of the waves. So, by the same theorem, of the picture's squared length
    each of m values v loses at most 2 (n + 5) e |v| (e of float64), all together at most
    2 (n + 5) e sqrt(m), and their sum m e; the root of a loss is the rest's.
    """
    m = length + 4
    product = m * SINGLE / (1 - m * SINGLE)
    rest = np.sqrt((2 * (pixels + 5) * np.sqrt(m) + m) * DOUBLE)
    return float((1 + product) * (1 + rest) ** 2 - 1)
