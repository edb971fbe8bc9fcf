"""The range that pixels are brought to before a network learns from them."""

from itertools import chain

import numpy as np
from jaxtyping import Float64

from tasks.images.samples import Rows

GREYS = np.arange(256)


def scale(rows: Rows, how: str) -> tuple[list[float], list[float]]:
    """Return factor and summand per channel that bring pixels to the wanted range."""
    channels = rows.images.shape[3]
    if how == "unit":
        return [1.0 / 255.0] * channels, [0.0] * channels
    mean, deviation = moments(rows)
    factor = 1.0 / np.maximum(deviation, 1.0)
    return [round(f, 8) for f in factor.tolist()], [round(s, 8) for s in (-mean * factor).tolist()]


def moments(rows: Rows) -> tuple[Float64[np.ndarray, "c"], Float64[np.ndarray, "c"]]:
    """Return mean and deviation per channel, from how often each value of a pixel is there."""
    counts = np.zeros((rows.images.shape[3], len(GREYS)), np.int64)
    for image in chain.from_iterable(rows.pieces()):
        for channel, of_channel in enumerate(counts):
            of_channel += np.bincount(image[:, :, channel].ravel(), minlength=len(GREYS))
    pixels = counts[0].sum()
    mean, square = counts @ GREYS / pixels, counts @ GREYS**2 / pixels
    return mean, np.sqrt(square - mean**2)
