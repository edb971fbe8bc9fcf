"""Corrected labels of a dataset: a table in git that `prepare` applies.

A correction names the picture by its id and by its pixels, and says what its label was, so
that it never falls on another picture, nor on one whose authors have corrected it themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.images.samples import Sample, relabelled
from tasks.labels.edited import read_edited
from tasks.stage import DATA, StageError
from tasks.stage.tables import write_table

LABELS = DATA / "labels"


class Correction(NamedTuple):
    """One row of `data/labels/<dataset>.csv`."""

    id: str
    digest: str  # of the picture, as in samples.csv
    was: str  # the label that the authors gave
    now: str


def read_corrections(path: Path) -> list[Correction]:
    """Read a table of corrections.

    Raises:
        StageError: if it is missing, has other columns, lacks a value, or corrects a picture twice.
    """
    rows = read_edited(path, Correction._fields, "python -m tasks.relabel", others=())
    return [Correction(*row) for row in rows]


def write_corrections(path: Path, corrections: Iterable[Correction]) -> None:
    """Write a table of corrections, in the order of ids, so that a diff shows what is new."""
    write_table(path, Correction._fields, sorted(corrections))


def corrected(
    samples: Iterable[Sample], corrections: Iterable[Correction], classes: Sequence[str], path: Path
) -> Iterator[Sample]:
    """Yield the samples with their corrected labels.

    Args:
        samples: as their authors labelled them.
        corrections: to be applied.
        classes: that there are.
        path: of the corrections, for errors.

    Raises:
        StageError: if one is of no picture here, or of other pixels or another label than it
            says, or names an unknown class.
    """
    left = {correction.id: correction for correction in corrections}
    for sample in samples:
        if correction := left.pop(sample.id, None):
            check(correction, sample, classes, path)
            yield sample._replace(label=correction.now)
        else:
            yield sample
    for correction in left.values():
        check(correction, None, classes, path)


def check(
    correction: Correction, sample: Sample | None, classes: Sequence[str], path: Path
) -> None:
    """Check that a correction is meant for a sample."""
    what = f"'{path}' corrects '{correction.id}'"
    remedy = "Remove the row, or review the picture again."
    if sample is None:
        raise StageError(f"{what}, which is no picture of the dataset: expected its id. {remedy}")
    if sample.digest != correction.digest:
        raise StageError(f"{what}, whose pixels are others than those reviewed. {remedy}")
    if sample.label != correction.was:
        raise StageError(
            f"{what} from '{correction.was}': expected that label, got '{sample.label}'. {remedy}"
        )
    if correction.now not in classes:
        raise StageError(
            f"{what} to '{correction.now}': expected one of {', '.join(classes)}. {remedy}"
        )


def merged(old: Iterable[Correction], new: Iterable[Correction]) -> list[Correction]:
    """Put later corrections over earlier ones.

    Args:
        old: corrections so far.
        new: reviewed now; what it was then may be an earlier correction.

    Returns:
        one correction per picture, none where it says what the authors said.
    """
    found = {correction.id: correction for correction in old}
    for correction in new:
        before = found.get(correction.id)
        found[correction.id] = correction._replace(was=before.was if before else correction.was)
    return [correction for correction in found.values() if correction.was != correction.now]


def refuse_in_test(dataset: str, ids: Iterable[str], places: Iterable[str]) -> None:
    """Refuse a corrected label in test: a score on it would be another than all before it.

    Args:
        dataset: a prepared one.
        ids: of its pictures.
        places: the split of each.

    Raises:
        StageError: if there is one.
    """
    if not (changed := relabelled(dataset)):
        return
    pairs = zip(ids, places, strict=True)
    if wrong := [id for id, place in pairs if place == "test" and id in changed]:
        raise StageError(
            f"the label of test picture '{wrong[0]}' of '{dataset}' would be changed: expected "
            f"corrections of train and val only, got {len(wrong):,} of test. Remove them from the "
            f"table that datasets.{dataset}.labels in params.yaml names."
        )
