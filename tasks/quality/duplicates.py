"""Copies in a dataset: exact ones by their digest, near ones by their pixels.

Near copies are looked for twice: among short descriptions for what is much nearer than usual
(see `candidates`), and then the pixels of each such pair are laid over each other.
"""

from collections import defaultdict
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from tasks.params import Check
from tasks.quality.alike import SMALLEST, alike
from tasks.quality.candidates import candidates

Kind = Literal["exact", "near", "mirrored"]


class Pair(NamedTuple):
    """Two copies of one picture.

    Attributes:
        first: position in the dataset.
        second: a higher one.
        kind: `mirrored` is near, after a turn from left to right.
        likeness: correlation of their detail, 1 for exact copies.
    """

    first: int
    second: int
    kind: Kind
    likeness: float


def find(
    images: UInt8[np.ndarray, "n h w c"],
    digests: np.ndarray,
    groups: np.ndarray,
    params: Check,
    memory_mib: int,
) -> list[Pair]:
    """Return all copies, ascending; each pair once.

    Args:
        images: pixels in 0..255.
        digests: equal for equal pictures.
        groups: equal for pictures of one split.
        params: how alike copies are.
        memory_mib: that the search for neighbours holds, besides the pictures.
    """
    pairs = {(p.first, p.second): p for p in near(images, params, memory_mib)}
    pairs |= {(p.first, p.second): p for p in exact(digests, groups)}
    return sorted(pairs.values())


def exact(digests: np.ndarray, groups: np.ndarray) -> list[Pair]:
    """Pair equal pictures: the first of each split with the others in it and in other splits.

    So a picture that is there a thousand times gives a thousand pairs, not half a million.
    """
    _, picture, counts = np.unique(digests, return_inverse=True, return_counts=True)
    copies: defaultdict[int, list[int]] = defaultdict(list)
    for at in np.flatnonzero(counts[picture] > 1).tolist():
        copies[picture[at]].append(at)
    pairs = set()
    for same in copies.values():
        firsts = {groups[at]: at for at in reversed(same)}.values()
        pairs |= {(min(a, b), max(a, b)) for a in same for b in firsts if a != b}
    return [Pair(a, b, "exact", 1.0) for a, b in pairs]


def near(images: UInt8[np.ndarray, "n h w c"], params: Check, memory_mib: int) -> list[Pair]:
    """Pair pictures that show the same, pixel by pixel, once they are laid over each other."""
    if len(images) < 3 or min(images.shape[1:3]) < SMALLEST:
        return []
    first, second, turned = candidates(images, params, memory_mib)
    values = alike(images, first, second, turned)
    found: dict[tuple[int, int], Pair] = {}
    for a, b, mirror, value in zip(first, second, turned, values, strict=True):
        pair = Pair(int(a), int(b), "mirrored" if mirror else "near", round(float(value), 4))
        known = found.get(pair[:2])
        if value >= params.likeness and (known is None or value > known.likeness):
            found[pair[:2]] = pair
    return list(found.values())
