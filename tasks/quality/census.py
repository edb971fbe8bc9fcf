"""All pictures of a dataset in some bytes each; what they are called is read when it is wanted."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int32, Shaped

from tasks.images.samples import SPLIT_NAMES, SplitName, read_samples
from tasks.stage import PREPARED, SPLITS
from tasks.stage.tables import damaged, read_columns

DIGEST = 32  # bytes


class Named(NamedTuple):
    """What a picture is called."""

    id: str
    split: SplitName
    label: str


@dataclass(frozen=True)
class Census:
    """What is compared of n pictures, in their order.

    Attributes:
        classes: the labels that occur.
        labels: positions in `classes`.
        splits: positions in `SPLIT_NAMES`.
        digests: SHA-256 in bytes, equal for equal pictures.
        widths: before resizing, in pixels.
        heights: the same.
    """

    classes: list[str]
    labels: Int32[np.ndarray, "n"]
    splits: Int8[np.ndarray, "n"]
    digests: Shaped[np.ndarray, "n"]
    widths: Int32[np.ndarray, "n"]
    heights: Int32[np.ndarray, "n"]

    def counts(self) -> Counter[tuple[SplitName, str]]:
        """Return how many pictures there are, by split and label."""
        found: Counter[tuple[SplitName, str]] = Counter()
        for at, split in enumerate(SPLIT_NAMES):
            of = np.bincount(self.labels[self.splits == at], minlength=len(self.classes))
            found.update({(split, self.classes[i]): int(of[i]) for i in np.flatnonzero(of)})
        return found


def census(dataset: str) -> Census:
    """Read the tables of a dataset that is prepared and split.

    Raises:
        StageError: if one is missing or damaged.
    """
    codes: dict[str, int] = {}
    labels, widths, heights, digests = array("i"), array("i"), array("i"), bytearray()
    try:
        for sample in read_samples(dataset):
            labels.append(codes.setdefault(sample.label, len(codes)))
            widths.append(sample.width)
            heights.append(sample.height)
            digests += bytes.fromhex(sample.digest)
            if len(digests) != len(labels) * DIGEST:
                raise ValueError(f"digest '{sample.digest}' of '{sample.id}'")
    except (ValueError, OverflowError) as error:
        raise damaged(PREPARED / dataset / "samples.csv", str(error)) from None
    splits = array("b", (SPLIT_NAMES.index(split) for split in assigned(dataset)))
    if len(splits) != len(labels):
        got = f"{len(splits):,} rows for {len(labels):,} pictures"
        raise damaged(SPLITS / f"{dataset}.csv", got)
    return Census(
        classes=list(codes),
        labels=np.array(labels, np.int32),
        splits=np.array(splits, np.int8),
        digests=np.frombuffer(digests, f"S{DIGEST}"),
        widths=np.array(widths, np.int32),
        heights=np.array(heights, np.int32),
    )


def named(dataset: str, wanted: Iterable[int]) -> dict[int, Named]:
    """Return what the pictures at some positions are called."""
    positions = sorted(set(wanted))
    chosen = np.zeros(max(positions, default=-1) + 1, bool)
    chosen[positions] = True
    rows = compress(zip(read_samples(dataset), assigned(dataset), strict=True), chosen.data)
    return {
        at: Named(sample.id, split, sample.label)
        for at, (sample, split) in zip(positions, rows, strict=True)
    }


def assigned(dataset: str) -> Iterator[SplitName]:
    """Yield the split of every picture."""
    path = SPLITS / f"{dataset}.csv"
    for (split,) in read_columns(path, ["split"]):
        if split not in SPLIT_NAMES:
            raise damaged(path, f"split '{split}'")
        yield split
