"""The range that pixels are brought to before a network learns from them."""

import math

import numpy as np
from jaxtyping import Float64

from tasks.images.samples import Rows

PIECE = 1000  # images that are summed at a time


def scale(rows: Rows, how: str) -> tuple[list[float], list[float]]:
    """Return factor and summand per channel that bring pixels to the wanted range."""
    channels = rows.images.shape[3]
    if how == "unit":
        return [1.0 / 255.0] * channels, [0.0] * channels
    mean, deviation = moments(rows)
    factor = 1.0 / np.maximum(deviation, 1.0)
    return [round(f, 8) for f in factor.tolist()], [round(s, 8) for s in (-mean * factor).tolist()]


def moments(rows: Rows) -> tuple[Float64[np.ndarray, "c"], Float64[np.ndarray, "c"]]:
    """Return mean and deviation per channel, from sums of whole numbers, piece by piece."""
    total = np.zeros((2, rows.images.shape[3]), np.int64)
    for start in range(0, len(rows), PIECE):
        pixels = rows.images[rows.index[start : start + PIECE]].astype(np.int64)
        total += np.stack([pixels.sum(axis=(0, 1, 2)), (pixels**2).sum(axis=(0, 1, 2))])
    mean, square = total / (len(rows) * math.prod(rows.images.shape[1:3]))
    return mean, np.sqrt(square - mean**2)
