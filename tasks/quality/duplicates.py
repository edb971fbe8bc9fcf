"""Copies in a dataset: exact ones by their digest, near ones by their pixels.

Near copies are looked for twice. First, each picture's nearest others by a short description,
as they are and mirrored, in exact integers: all pairs are compared, which takes seconds for tens
of thousands of pictures. What is nearly as far as ordinary neighbours is left out, as Lowe does
with matches (2004, https://doi.org/10.1023/B:VISI.0000029664.99615.94): straight strokes are all
alike without being copies. Then the pixels of each remaining pair are laid over each other.
The price: of a picture with more than `NEIGHBOURS` copies not all may be found.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from tasks.models.neighbours.distances import nearest
from tasks.params import Check
from tasks.quality.alignment import likeness
from tasks.quality.descriptors import descriptors, mirrored

NEIGHBOURS = 16  # candidates of each picture; the last is taken for an ordinary neighbour
SIDE = 64  # pixels that larger pictures are reduced to before they are compared
SMALLEST = 4  # pixels a side; below, only exact copies are found

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
    digests: Sequence[str],
    groups: Sequence[str],
    params: Check,
    memory_mib: int,
) -> list[Pair]:
    """Return all copies, ascending; each pair once.

    Args:
        images: pixels in 0..255.
        digests: equal for equal pictures.
        groups: in which split each picture stands.
        params: how alike copies are.
        memory_mib: that the search for neighbours holds, besides the pictures.
    """
    pairs = {(p.first, p.second): p for p in near(images, params, memory_mib)}
    pairs |= {(p.first, p.second): p for p in exact(digests, groups)}
    return sorted(pairs.values())


def exact(digests: Sequence[str], groups: Sequence[str]) -> list[Pair]:
    """Pair equal pictures: the first of each split with the others in it and in other splits.

    So a picture that is there a thousand times gives a thousand pairs, not half a million.
    """
    copies: defaultdict[str, list[int]] = defaultdict(list)
    for at, digest in enumerate(digests):
        copies[digest].append(at)
    pairs = set()
    for same in copies.values():
        firsts = {groups[at]: at for at in reversed(same)}.values()
        pairs |= {(min(a, b), max(a, b)) for a in same for b in firsts if a != b}
    return [Pair(a, b, "exact", 1.0) for a, b in pairs]


def near(images: UInt8[np.ndarray, "n h w c"], params: Check, memory_mib: int) -> list[Pair]:
    """Pair pictures that show the same, pixel by pixel, once they are laid over each other."""
    if len(images) < 3 or min(images.shape[1:3]) < SMALLEST:
        return []
    first, second, turned = candidates(images, params.distinct, memory_mib)
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    alike = likeness(grey(images, used), places[: len(first)], places[len(first) :], turned)
    found: dict[tuple[int, int], Pair] = {}
    for a, b, mirror, value in zip(first, second, turned, alike, strict=True):
        pair = Pair(int(a), int(b), "mirrored" if mirror else "near", round(float(value), 4))
        known = found.get(pair[:2])
        if value >= params.likeness and (known is None or value > known.likeness):
            found[pair[:2]] = pair
    return list(found.values())


def candidates(
    images: UInt8[np.ndarray, "n h w c"], distinct: float, memory_mib: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of pictures much nearer than ordinary neighbours, and which are mirrored."""
    plain = descriptors(images)
    turned = mirrored(plain, images.shape[1:])
    k = min(NEIGHBOURS + 1, len(images))
    ordinary: np.ndarray | None = None
    found = []
    for mirror, queries in enumerate((plain, turned)):
        distances, positions = nearest(queries, plain, k, "L1", memory_mib=memory_mib, prune=False)
        if ordinary is None:
            ordinary = distances[:, -1]
        i, j = np.repeat(np.arange(len(images)), k), positions.ravel()
        limit = distinct * np.maximum(ordinary[i], ordinary[j])
        close = (i != j) & (distances.ravel() < limit)
        pairs = np.stack([np.minimum(i, j), np.maximum(i, j)], axis=1)[close]
        pairs = np.unique(pairs, axis=0)
        found.append(np.column_stack([pairs, np.full(len(pairs), mirror)]))
    first, second, turn = np.concatenate(found).T
    return first, second, turn.astype(bool)


def grey(images: UInt8[np.ndarray, "n h w c"], chosen: np.ndarray) -> Float32[np.ndarray, "m h w"]:
    """Return some pictures in grey, reduced to at most `SIDE` pixels a side."""
    height, width = images.shape[1:3]
    share = min(1.0, SIDE / max(height, width))
    size = max(round(width * share), SMALLEST), max(round(height * share), SMALLEST)
    small = np.empty((len(chosen), size[1], size[0]), np.float32)
    for at, position in enumerate(chosen):
        plain = images[position].mean(axis=2, dtype=np.float32)
        small[at] = (
            plain
            if share == 1
            else np.asarray(Image.fromarray(plain).resize(size, Image.Resampling.BOX))
        )
    return small
