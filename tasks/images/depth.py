"""Bring pixels of 16 bits or more, or of no fixed range, to bytes; see `decode` for the rules."""

import numpy as np
from PIL import Image


class Unreadable(Exception):
    """A picture that cannot be decoded; the text is the reason in plain words."""


def eight_bits(image: Image.Image) -> np.ndarray:
    """Scale a picture with numbers of 16 bits or more to uint8 (h, w)."""
    values = np.asarray(image)
    low, high = span(values, tops=(1, 255) if image.mode == "F" else (65535,))
    scaled = values.astype(np.float64)
    scaled -= low
    if high > low:
        scaled *= 255 / (high - low)
    np.rint(scaled, out=scaled)
    scaled[values == image.info.get("transparency")] = 255  # PNG: one grey is transparent
    return scaled.astype(np.uint8)


def span(values: np.ndarray, tops: tuple[int, ...]) -> tuple[float, float]:
    """Return which numbers become 0 and 255: zero and the first top that fits, or the extremes."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise Unreadable("holds pixels that are not finite numbers")
    fitting = [float(top) for top in tops if low >= 0 and high <= top]
    return (0.0, fitting[0]) if fitting else (low, high)
