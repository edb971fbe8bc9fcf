"""Two models that were scored, and the test images that they have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from tasks.measures.spread import Spread
from tasks.params.file import entry
from tasks.review.difference import Difference
from tasks.review.figures import Figures, measure
from tasks.review.labels import describe_labels
from tasks.review.predictions import Match, align
from tasks.review.seeds import describe_seeds
from tasks.review.sides import Side
from tasks.review.stored import UnreadableError
from tasks.stage import PREDICTIONS, PREPARED, StageError

Measured = tuple[str, tuple[str, ...], Figures]  # the experiment's name, notes, figures


class Scored(NamedTuple):
    """An experiment on one side."""

    side: Side
    experiment: str

    @property
    def dataset(self) -> str:
        """Return the name of the dataset whose test images it saw."""
        return entry(dict(self.side.datasets), self.experiment, "experiment")

    @property
    def path(self) -> Path:
        """Return where its predictions are."""
        return PREDICTIONS / f"{self.experiment}.csv"

    @property
    def digest(self) -> str | None:
        """Return a digest of its predictions."""
        return self.side.digest(self.path)

    @property
    def training(self) -> Mapping[str, Any] | None:
        """Return what `dvc.lock` records of its training, None if it records none."""
        found = self.side.lock.get(f"train@{self.experiment}")
        return found if isinstance(found, dict) and "deps" in found else None

    @property
    def model(self) -> str:
        """Return the digest by which the ledger knows its model, empty if that is not here."""
        return str(self.side.calibration(self.experiment).get("model", ""))

    @property
    def spread(self) -> Spread | None:
        """Return how far its seeds lie apart, None if it was trained with one."""
        return Spread.read(self.side.metrics(self.experiment))


def compare(name: str, before: Scored, after: Scored) -> Measured | Difference:
    """Measure a difference, or say why that cannot be done."""
    found = shared_images(name, before, after)
    if isinstance(found, Difference):
        return found
    figures = measure(found.images)
    notes = list(found.notes)
    if before.training != after.training:
        notes += describe_labels(before.side, after.side, after.dataset)
    if figures.flips:
        notes += describe_seeds(figures.pairs, before.spread, after.spread)
    return name, tuple(notes), figures


def shared_images(name: str, before: Scored, after: Scored) -> Match | Difference:
    """Return the test images that both saw, at least one, or why nothing can be compared.

    Raises:
        UnreadableError: if DVC's remote cannot be asked for what is needed.
    """
    if before.dataset != after.dataset:
        moved = f"the dataset was {before.dataset} and is {after.dataset}"
        return Difference(name, "cannot compare", (moved,))
    notes, repainted = repaint(before, after)
    same = before.digest is not None and before.digest == after.digest and not repainted
    try:
        old, new = (scored.side.predictions(scored.experiment) for scored in (before, after))
    except StageError as error:
        if same:
            return Difference(name, "unchanged", tuple(notes))
        if isinstance(error, UnreadableError):
            raise
        return Difference(name, "missing", (*notes, str(error)))
    match = align(old, new, repainted=repainted)
    if match.images.empty:
        return Difference(name, "cannot compare", (*notes, *match.notes))
    return match._replace(notes=[*notes, *match.notes])


def repaint(before: Scored, after: Scored) -> tuple[list[str], set[str]]:
    """Return which images of a dataset have other pixels on the other side, and notes."""
    dataset = before.dataset
    if before.side is after.side or same_pictures(before.side, after.side, dataset):
        return [], set()
    old, new = (scored.side.pixels(dataset) for scored in (before, after))
    if old is None or new is None:
        return [f"whether the pictures of {dataset} are the same is not known here"], set()
    both: pd.Index[str] = old.index.intersection(new.index)
    return [], set(both[old[both].to_numpy() != new[both].to_numpy()])


def same_pictures(before: Side, after: Side, dataset: str) -> bool:
    """Whether both sides have the same table of digests of pictures, as far as that is known.

    Of the whole folder DVC knows what was recorded, not what the working tree has by now.
    """
    table = PREPARED / dataset / "samples.csv"
    here = None in (before.commit, after.commit) and table.is_file()
    try:
        return before.digest(path := table if here else table.parent) == after.digest(path)
    except UnreadableError:
        return False
