"""Labels in doubt, as a table that a person fills in."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tasks.images.samples import Rows
from tasks.labels.corrections import Correction
from tasks.labels.edited import read_edited
from tasks.measures.confident import ranked, suspect
from tasks.stage import StageError
from tasks.stage.tables import write_table


class Doubt(NamedTuple):
    """One row of `labels.csv`: what speaks against a label, and what a person decides."""

    id: str
    digest: str  # of the pixels
    label: str
    suggested: str
    probability_of_label: str  # 0..1, by a model that did not learn from the picture
    probability_of_suggested: str
    decision: str = ""  # the right class; empty while undecided


READ = ("id", "digest", "label", "decision")  # what becomes a correction


def find_doubts(
    rows: Rows, said: Float32[np.ndarray, "n k"], most: int, decided: Mapping[str, str]
) -> tuple[list[Doubt], int]:
    """Return the most doubtful labels, the worst first, and how many are in doubt at all.

    Args:
        rows: whose labels are judged.
        said: probabilities by models that did not learn from the row.
        most: how many to return; those that were decided and are not among them follow.
        decided: the right classes of pictures that a person has decided on, by id.
    """
    suspicion = suspect(rows.labels, said)
    worst = ranked(suspicion, most).tolist()
    shown = set(worst)
    more = [i for i, id in enumerate(rows.ids) if id in decided and i not in shown]
    doubts = []
    for i in [*worst, *more]:
        label, other = rows.labels[i], suspicion.suggested[i]
        names = rows.classes[label], rows.classes[other]
        shares = f"{said[i, label]:.4f}", f"{said[i, other]:.4f}"
        now = decided.get(rows.ids[i], "")
        doubts.append(Doubt(rows.ids[i], rows.digests[i], *names, *shares, now))
    return doubts, int(suspicion.suspicious.sum())


def write_doubts(path: Path, doubts: list[Doubt]) -> None:
    """Write the table for a spreadsheet."""
    write_table(path, Doubt._fields, doubts)


def read_decisions(
    path: Path,
    known: Mapping[str, str],
    classes: Sequence[str],
    others: Collection[str] | None = None,
) -> list[Correction]:
    """Read what a person decided; rows without a decision are left out.

    Args:
        path: of the table that a person filled in.
        known: digest of every picture of train and val, by its id.
        classes: that there are.
        others: columns that there may be besides those that are read; None for any.

    Raises:
        StageError: if it is not such a table, or a row is of no picture of train or val.
    """
    table = read_edited(path, READ, "python -m tasks.suspect", optional=["decision"], others=others)
    found = [correction for correction in (Correction(*row) for row in table) if correction.now]
    for correction in found:
        if known.get(correction.id) != correction.digest:
            raise StageError(
                f"'{path}' decides on '{correction.id}': expected a picture of train or val with "
                "the pixels that were reviewed. Labels of the test set are not changed. Remove "
                "the row."
            )
        if correction.now not in classes:
            raise StageError(
                f"'{path}' says '{correction.now}' of '{correction.id}': expected one of "
                f"{', '.join(classes)}, or nothing while undecided."
            )
    return found


def decided_before(path: Path, rows: Rows) -> dict[str, str]:
    """Return what a person decided in a table that is about to be written anew, by id.

    Args:
        path: of the table; nothing was decided if it is not there.
        rows: train and val.

    Raises:
        StageError: if the new table would lack something that a person wrote into the old one.
    """
    if not path.exists():
        return {}
    known = dict(zip(rows.ids, rows.digests, strict=True))
    others = [name for name in Doubt._fields if name not in READ]
    try:
        found = read_decisions(path, known, rows.classes, others)
    except StageError as error:
        raise StageError(
            f"{error} It was not overwritten: mend it, or move it away to begin anew."
        ) from None
    return {correction.id: correction.now for correction in found}
