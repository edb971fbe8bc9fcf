"""How two models differ on the same test images, in figures."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.measures.paired import (
    SIGNIFICANT,
    Pairs,
    bootstrap_interval,
    holm,
    mcnemar,
    pair,
    resolution,
)


class ClassChange(NamedTuple):
    """A class whose recall changed."""

    name: str
    pairs: Pairs  # of its test images
    p: float  # by exact McNemar, corrected by Holm for the number of classes


class Flip(NamedTuple):
    """A picture of which the model now says another class."""

    id: str
    label: str
    was: str
    now: str
    p_was: float  # probability of the label, 0..1
    p_now: float


@dataclass(frozen=True)
class Figures:
    """A difference, measured.

    Attributes:
        pairs: images by whether each model got them right.
        low: lower end of the 95 % interval of the difference of accuracies, in -1..1.
        high: upper end.
        p: of the exact McNemar test, 0..1.
        resolution: the smallest difference that can be resolved, a share; None if none can.
        classes: those whose change survives Holm's correction, the surest first.
        flips: all, those first where the label's probability moved the most.
    """

    pairs: Pairs
    low: float
    high: float
    p: float
    resolution: float | None
    classes: list[ClassChange]
    flips: list[Flip]

    @property
    def accuracies(self) -> tuple[float, float]:
        """Return the accuracy before and the one after, on the images in common."""
        right_before = self.pairs.both + self.pairs.lost
        right_after = self.pairs.both + self.pairs.gained
        return right_before / self.pairs.n, right_after / self.pairs.n


def measure(images: pd.DataFrame) -> Figures:
    """Compare two models on at least one image, in rows as those of a `Match`."""
    pairs = paired(images)
    low, high = bootstrap_interval(pairs)
    return Figures(
        pairs=pairs,
        low=low,
        high=high,
        p=mcnemar(pairs.gained, pairs.lost),
        resolution=resolution(pairs),
        classes=changed_classes(images),
        flips=flips(images),
    )


def paired(images: pd.DataFrame) -> Pairs:
    """Count images by whether each model got them right."""
    right = (images[who] == images["label"] for who in ("was", "now"))
    return pair(*(who.to_numpy(bool) for who in right))


def changed_classes(images: pd.DataFrame) -> list[ClassChange]:
    """Return the classes whose recall changed by more than the chance of so many looks."""
    by_class = {str(name): paired(rows) for name, rows in images.groupby("label", sort=True)}
    adjusted = holm([mcnemar(pairs.gained, pairs.lost) for pairs in by_class.values()])
    tested = [ClassChange(*named, p) for named, p in zip(by_class.items(), adjusted, strict=True)]
    return sorted((c for c in tested if c.p <= SIGNIFICANT), key=lambda change: change.p)


def flips(images: pd.DataFrame) -> list[Flip]:
    """Return the images whose prediction changed."""
    changed = images[images["was"] != images["now"]].sort_index()
    order = np.argsort(-(changed["p_now"] - changed["p_was"]).abs(), kind="stable")
    return [Flip(*row) for row in changed.iloc[order].itertuples(name=None)]
