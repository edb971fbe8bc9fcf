"""Why distances between pixels mislead: three changed copies, all equally far away.

A copy moved a little, one darkened and one partly covered look very different to a person,
and can all have the same L2 distance from the original (the picture is known from the
CS231n course notes, https://cs231n.github.io/classification/). Each change here has a
strength that is turned until the distance is the wanted one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

DISTANCE = 0.3  # from the original, as a share of the original's own L2 norm
HALVINGS = 40  # of the interval of strengths; more than the bytes of a picture can show

Change = Callable[[np.ndarray, float], np.ndarray]


class Copy(NamedTuple):
    """A picture and how far it is from the original."""

    what: str
    pixels: UInt8[np.ndarray, "h w c"]
    distance: float  # L2


def shifted(pixels: np.ndarray, strength: float) -> np.ndarray:
    """Move right by up to a third of the width, repeating the left edge."""
    moved = strength * pixels.shape[1] / 3
    whole, part = int(moved), moved - int(moved)
    columns = np.arange(pixels.shape[1])
    near, far = (pixels[:, np.clip(columns - whole - i, 0, None)] for i in (0, 1))
    return np.asarray((1 - part) * near + part * far)


def darkened(pixels: np.ndarray, strength: float) -> np.ndarray:
    """Scale down, to black at strength 1."""
    return pixels * (1 - strength)


def covered(pixels: np.ndarray, strength: float) -> np.ndarray:
    """Black out from below, the last row in part."""
    hidden = np.clip(strength * pixels.shape[0] - np.arange(pixels.shape[0])[::-1], 0, 1)
    return np.asarray(pixels * (1 - hidden)[:, None, None])


CHANGES: dict[str, Change] = {
    "shifted": shifted,
    "darkened": darkened,
    "partly covered": covered,
}


def rounded(pixels: np.ndarray) -> UInt8[np.ndarray, "h w c"]:
    """Return bytes."""
    return np.asarray(np.clip(pixels + 0.5, 0, 255), np.uint8)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the L2 distance of two pictures."""
    return float(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64)))


def at_distance(pixels: UInt8[np.ndarray, "h w c"], what: str, wanted: float) -> Copy | None:
    """Turn one change up until it is as far as wanted, or return none if it never is."""
    change, original = CHANGES[what], pixels.astype(np.float64)
    low, high = 0.0, 1.0
    if distance(original, change(original, high)) < wanted:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if distance(original, change(original, middle)) < wanted:
            low = middle
        else:
            high = middle
    copy = rounded(change(original, high))
    return Copy(what, copy, distance(pixels, copy))


def lesson(images: UInt8[np.ndarray, "n h w c"]) -> list[Copy]:
    """Return the first picture that all changes can move equally far, and its copies.

    Returns:
        Four copies, the first being the original at distance 0; none if no picture serves.
    """
    for pixels in images:
        wanted = DISTANCE * distance(pixels, np.zeros_like(pixels))
        copies = [at_distance(pixels, what, wanted) for what in CHANGES]
        if wanted > 0 and all(copies):
            return [Copy("original", pixels, 0.0), *(c for c in copies if c)]
    return []
