"""Random numbers that depend on what they are for, not on when they are drawn.

Every number is a hash of (seed, epoch, index of the image, purpose). So the order of the
images, the number of threads, and an interruption change nothing, and switching one effect
on leaves the numbers of the others as they were. The mixer is that of splitmix64 (Steele,
Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
https://doi.org/10.1145/2660193.2660195).
"""

from enum import IntEnum, auto

import numpy as np
from jaxtyping import Float64, Int64, UInt64

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, odd


class Purpose(IntEnum):
    """What a random number is for; the values are part of every trained model's bytes."""

    FLIP = auto()
    ROTATION = auto()
    ZOOM = auto()
    STRETCH_X = auto()
    STRETCH_Y = auto()
    SHEAR = auto()
    SHIFT_X = auto()
    SHIFT_Y = auto()
    DIRECTION = auto()
    CROP_AREA = auto()
    CROP_ASPECT = auto()
    CROP_X = auto()
    CROP_Y = auto()
    BRIGHTNESS = auto()
    CONTRAST = auto()
    SATURATION = auto()
    TINT_1 = auto()
    TINT_2 = auto()
    TINT_3 = auto()
    ERASE = auto()
    ERASE_SIDE = auto()
    ERASE_X = auto()
    ERASE_Y = auto()
    NOISE = auto()
    ORDER = auto()
    MIX = auto()
    MIX_KIND = auto()
    MIX_SHARE = auto()
    MIX_X = auto()
    MIX_Y = auto()
    PADDED_CROP_X = auto()
    PADDED_CROP_Y = auto()


def mix(z: UInt64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    """Scramble 64-bit words: a bijection in which every input bit moves every output bit."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def keys(seed: int, epoch: int, index: Int64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    """Return one key per image for this seed and epoch."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is what is wanted
        word = mix(np.array([seed], np.uint64) * GOLDEN + np.uint64(1))
        word = mix(word + np.uint64(epoch) * GOLDEN)
        return mix(word + (index.astype(np.uint64) + np.uint64(1)) * GOLDEN)


def words(key: UInt64[np.ndarray, "n"], purpose: Purpose) -> UInt64[np.ndarray, "n"]:
    """Return a random 64-bit word per key for one purpose."""
    with np.errstate(over="ignore"):
        return mix(key + np.uint64(purpose) * GOLDEN)


def uniform(
    key: UInt64[np.ndarray, "n"], purpose: Purpose, low: float = 0.0, high: float = 1.0
) -> Float64[np.ndarray, "n"]:
    """Return a number in [low, high) per key for one purpose."""
    unit = (words(key, purpose) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return low + (high - low) * unit


def either_way(
    key: UInt64[np.ndarray, "n"], purpose: Purpose, most: float | None, *, around: float = 0.0
) -> Float64[np.ndarray, "n"]:
    """Draw between `around` - `most` and `around` + `most`; always `around` if there is none."""
    if most is None:
        return np.full(len(key), around)
    return uniform(key, purpose, around - most, around + most)


def order(seed: int, epoch: int, n: int) -> Int64[np.ndarray, "n"]:
    """Return a permutation of 0..n-1, another one every epoch."""
    return np.argsort(words(keys(seed, epoch, np.arange(n)), Purpose.ORDER), kind="stable")
