"""A picture in a hundred bytes, such that copies of one photograph lie close together.

The lowest frequencies of a cosine transform say what a picture shows, and change little
when it is cropped, resized or compressed; the lowest of all, its brightness, is left out. Each
is divided by its spread over all pictures and each picture by its contrast, for otherwise
two or three frequencies, which half of all photographs share, would decide alone.
"""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64, Int16, UInt8
from scipy.fft import dct

LIGHT = 8  # frequencies of the brightness in either direction
COLOUR = 4  # of each of two colour differences
VALUES = 2**22  # of pictures that are described at a time
MIDDLE, REACH = 128, 127  # a frequency of no strength as a byte; the strongest differ by so much
SPREADS = 4.0  # of a frequency's strength that still fit into a byte


def descriptors(images: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n d"]:
    """Describe pictures; an even one by 128 throughout."""
    shape: tuple[int, int, int] = images.shape[1:]
    described = np.empty((len(images), described_by(shape)), np.uint8)
    typical = spread(images)
    for some in pieces(images):
        relative = frequencies(images[some]) / np.where(typical > 0, typical, 1)
        contrast = np.sqrt(np.mean(relative**2, axis=1, keepdims=True))
        relative /= np.where(contrast > 0, contrast, 1)
        scaled = np.rint(MIDDLE + REACH / SPREADS * relative)
        described[some] = np.clip(scaled, MIDDLE - REACH, MIDDLE + REACH)
    return described


def spread(images: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "d"]:
    """Return the root of the mean square of each frequency's strength over all pictures."""
    total = np.zeros(described_by(images.shape[1:]))
    for some in pieces(images):
        total += np.square(frequencies(images[some]), dtype=np.float64).sum(axis=0)
    return np.sqrt(total / len(images))


def pieces(images: UInt8[np.ndarray, "n h w c"]) -> Iterator[slice]:
    """Yield which pictures are described at a time."""
    step = max(VALUES // math.prod(images.shape[1:]), 1)
    for start in range(0, len(images), step):
        yield slice(start, start + step)


def mirrored(
    described: UInt8[np.ndarray, "n d"], shape: tuple[int, int, int]
) -> UInt8[np.ndarray, "n d"]:
    """Describe the same pictures turned left to right.

    Waves that are odd from left to right change their sign, and nothing else does.
    """
    signs = np.concatenate([turned(*waves(count, shape)) for count in channels(shape[2])])
    away: Int16[np.ndarray, "n d"] = described.astype(np.int16) - MIDDLE
    return (MIDDLE + signs * away).astype(np.uint8)


def turned(down: int, right: int) -> Int16[np.ndarray, "m"]:
    """Return the signs that the frequencies of one channel take in a mirror."""
    signs = np.ones((down, right), np.int16)
    signs[:, 1::2] = -1
    return signs.ravel()[1:]


def frequencies(images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n d"]:
    """Return the strengths of low frequencies, brightness first and without its mean."""
    shape: tuple[int, int, int] = images.shape[1:]
    parts = [
        (basis(shape[0], down) @ plane @ basis(shape[1], right).T).reshape(len(plane), -1)[:, 1:]
        for plane, count in zip(opponents(images), channels(shape[2]), strict=True)
        for down, right in [waves(count, shape)]
    ]
    found = np.concatenate(parts, axis=1)
    even = (images == images[:, :1, :1]).all(axis=(1, 2, 3))
    found[even] = 0  # what rounding left of them would be scaled up
    return found


def described_by(shape: tuple[int, int, int]) -> int:
    """Return how many frequencies describe a picture of (h, w, c)."""
    return sum(math.prod(waves(count, shape)) - 1 for count in channels(shape[2]))


def opponents(images: UInt8[np.ndarray, "n h w c"]) -> list[Float32[np.ndarray, "n h w"]]:
    """Return brightness, and for colour pictures red less green and blue less both."""
    if images.shape[3] == 1:
        return [images[..., 0].astype(np.float32)]
    red, green, blue = (images[..., i].astype(np.float32) for i in range(3))
    return [(red + green + blue) / 3, red - green, blue - (red + green) / 2]


def channels(count: int) -> list[int]:
    """Return how many frequencies each plane of `opponents` gives."""
    return [LIGHT] if count == 1 else [LIGHT, COLOUR, COLOUR]


def waves(count: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many frequencies there are down and right; no more than pixels."""
    return min(count, shape[0]), min(count, shape[1])


def basis(size: int, count: int) -> Float32[np.ndarray, "count size"]:
    """Return the slowest cosine waves over so many pixels."""
    return dct(np.eye(size), axis=0, norm="ortho")[:count].astype(np.float32)
