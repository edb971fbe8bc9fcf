"""Short vectors for long ones, by which L2 is bounded from below.

An orthonormal basis keeps distances. The coordinates are those of the discrete cosine
transform, because pictures vary most in few of them (Ahmed, Natarajan and Rao 1974,
https://doi.org/10.1109/T-C.1974.223784); along three channels it makes brightness and two
opponent colours, of which brightness varies most. The ones of most variance are kept, and
the length of the rest becomes one coordinate more. By the triangle inequality the rests of
two pictures are at least as far apart as their lengths differ, so the distance of the
short vectors, squared, is at most that of the pictures.
"""

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from scipy.fft import dctn, idctn

STEP = 256  # images that are shortened at a time
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


def basis(shape: tuple[int, ...], kept: np.ndarray) -> Float64[np.ndarray, "d m"]:
    """Return the vectors of some coordinates, each of length 1, for images of a shape."""
    units = np.zeros((len(kept), np.prod(shape)))
    units[np.arange(len(kept)), kept] = 1.0
    return idctn(units.reshape(-1, *shape), axes=AXES, norm="ortho").reshape(len(kept), -1).T


def projected(
    images: UInt8[np.ndarray, "n h w c"], squared: Float64[np.ndarray, "n"], kept: np.ndarray
) -> Float32[np.ndarray, "n m"]:
    """Return the kept coordinates and the length of the rest, of images with squared lengths."""
    short = np.empty((len(images), len(kept) + 1), np.float32)
    vectors = basis(images.shape[1:], kept)
    for start in range(0, len(images), STEP):
        some = images[start : start + STEP]
        values = some.reshape(len(some), -1).astype(np.float64) @ vectors
        rest = squared[start : start + STEP] - np.einsum("nm,nm->n", values, values)
        short[start : start + STEP, :-1] = values
        short[start : start + STEP, -1] = np.sqrt(np.maximum(rest, 0.0))
    return short


def squares(images: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n"]:
    """Return the squared lengths of images as vectors; whole numbers below 2**53."""
    squared = np.empty(len(images))
    for start in range(0, len(images), STEP):
        some = images[start : start + STEP]
        flat = some.reshape(len(some), -1).astype(np.float64)
        squared[start : start + STEP] = np.einsum("nd,nd->n", flat, flat)
    return squared


def rounding_share(length: int, pixels: int) -> float:
    """Return by how much a product of short vectors may be wrong, as a share of their lengths.

    Coordinates are rounded to float32 (a share u of each), and a sum of m products loses at
    most m u / (1 - m u) of the sum of their sizes, in any order (Higham 2002, "Accuracy and
    Stability of Numerical Algorithms", 3.1), which is at most the product of the lengths.
    Two roundings more than there are products cover the coordinates; two more, that these
    were themselves computed, in float64.

    The rest is the root of a difference of squares. By the same theorem, of the picture's
    squared length each of m values v loses at most 2 n e |v| (n pixels, e of float64), all
    together at most 2 n e sqrt(m), and their sum m e; the root of a loss is the rest's.
    """
    m = length + 4
    product = m * SINGLE / (1 - m * SINGLE)
    rest = np.sqrt((2 * pixels * np.sqrt(m) + m) * DOUBLE)
    return float((1 + product) * (1 + rest) ** 2 - 1)
