"""Short vectors for long ones, by which L2 is bounded from below.

An orthonormal basis keeps distances. The coordinates are those of the discrete cosine
transform of each channel, because pictures vary most in few of them (Ahmed, Natarajan and
Rao 1974, https://doi.org/10.1109/T-C.1974.223784); the ones of most variance are kept, and the
length of the rest becomes one coordinate more. By the triangle inequality the rests of
two pictures are at least as far apart as their lengths differ, so the distance of the
short vectors, squared, is at most that of the pictures.
"""

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from scipy.fft import dctn

STEP = 1024  # images that are transformed at a time
ROUNDING = 2.0**-24  # of float32: a result is within this share of the true one


def coordinates(images: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n d"]:
    """Return all coordinates of images in the orthonormal basis."""
    return dctn(images.astype(np.float64), axes=(1, 2), norm="ortho").reshape(len(images), -1)


def varied(images: UInt8[np.ndarray, "n h w c"], count: int) -> np.ndarray:
    """Return which coordinates vary most over some images."""
    variance = coordinates(images).var(axis=0)
    return np.sort(np.argsort(-variance, kind="stable")[:count])


def projected(images: UInt8[np.ndarray, "n h w c"], kept: np.ndarray) -> Float32[np.ndarray, "n m"]:
    """Return the kept coordinates and the length of the rest."""
    short = np.empty((len(images), len(kept) + 1), np.float32)
    for start in range(0, len(images), STEP):
        values = coordinates(images[start : start + STEP])
        rest = np.ones(values.shape[1], bool)
        rest[kept] = False
        short[start : start + STEP, :-1] = values[:, kept]
        short[start : start + STEP, -1] = np.linalg.norm(values[:, rest], axis=1)
    return short


def rounding_share(length: int) -> float:
    """Return by how much a product of short vectors may be wrong, as a share of their lengths.

    Coordinates are rounded to float32 (a share u of each), and a sum of m products loses at
    most m u / (1 - m u) of the sum of their sizes, in any order (Higham 2002, "Accuracy and
    Stability of Numerical Algorithms", 3.1), which is at most the product of the lengths.
    Two roundings more than there are products cover the coordinates; two more, that these
    were themselves computed, in float64.
    """
    m = length + 4
    return m * ROUNDING / (1 - m * ROUNDING)
