"""Pictures that are unlike all others: nearly empty, very dark or bright, of an odd size.

Far from usual is measured in robust standard deviations: the median and the median
distance from it do not move when a few values are absurd (Hampel 1974,
https://doi.org/10.1080/01621459.1974.10482962).
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, UInt8

from tasks.params import Check

NORMAL = 1.4826  # median distance from the median to standard deviation, of a normal distribution
SIZES_VARY = 0.25  # a smaller spread of the logarithm of sizes is taken for this one
VALUES = 2**22  # of pictures that are looked at at a time

Oddness = Literal["nearly empty", "dark", "bright", "small", "large", "long"]


class Oddity(NamedTuple):
    """An odd picture.

    Attributes:
        at: position in the dataset.
        kind: what is odd.
        value: contrast or brightness in grey levels, megapixels, or the longer side over the other.
    """

    at: int
    kind: Oddness
    value: float


def oddities(
    images: UInt8[np.ndarray, "n h w c"],
    widths: Int32[np.ndarray, "n"],
    heights: Int32[np.ndarray, "n"],
    params: Check,
) -> list[Oddity]:
    """Return the odd pictures by position.

    Args:
        images: pixels in 0..255.
        widths: before resizing, in pixels.
        heights: the same.
        params: from where on a picture is odd.
    """
    brightness, contrast = light(images)
    area, sides = widths * heights.astype(np.float64), np.abs(np.log(widths / heights))
    low, high = far(brightness, params.outlier, 1.0)
    small, large = far(np.log(area), params.outlier, SIZES_VARY)
    _, long = far(sides, params.outlier, SIZES_VARY)
    megapixels, ratio = area / 1e6, np.exp(sides)
    kinds: list[tuple[Oddness, np.ndarray, np.ndarray]] = [
        ("nearly empty", contrast < params.faint, contrast),
        ("dark", low, brightness),
        ("bright", high, brightness),
        ("small", small, megapixels),
        ("large", large, megapixels),
        ("long", long, ratio),
    ]
    return sorted(
        Oddity(int(at), kind, round(float(values[at]), 3))
        for kind, which, values in kinds
        for at in np.flatnonzero(which)
    )


def light(
    images: UInt8[np.ndarray, "n h w c"],
) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """Return the mean of each picture's pixels and their standard deviation, in grey levels."""
    means, spreads = np.empty(len(images)), np.empty(len(images))
    step = max(VALUES // images[0].size, 1)
    for start in range(0, len(images), step):
        some = slice(start, start + step)
        pixels = images[some].reshape(len(means[some]), -1).astype(np.float64)
        means[some], spreads[some] = pixels.mean(axis=1), pixels.std(axis=1)
    return means, spreads


def far(
    values: Float64[np.ndarray, "n"], deviations: float, least: float
) -> tuple[Bool[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
    """Say which values lie far below and far above the median.

    Args:
        values: of all pictures.
        deviations: robust standard deviations from which on a value is far.
        least: a standard deviation below which none is believed.
    """
    middle = np.median(values)
    limit = deviations * max(NORMAL * float(np.median(np.abs(values - middle))), least)
    return values < middle - limit, values > middle + limit
