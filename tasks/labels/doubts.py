"""Labels in doubt, as a table that a person fills in."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tasks.images.samples import Rows, read_table, write_table
from tasks.labels.corrections import Correction
from tasks.measures.confident import ranked, suspect
from tasks.stage import StageError


class Doubt(NamedTuple):
    """One row of `labels.csv`: what speaks against a label, and what a person decides."""

    id: str
    digest: str  # of the pixels
    label: str
    suggested: str
    probability_of_label: str  # 0..1, by a model that did not learn from the picture
    probability_of_suggested: str
    decision: str = ""  # the right class; empty while undecided


def find_doubts(rows: Rows, said: Float32[np.ndarray, "n k"], most: int) -> tuple[list[Doubt], int]:
    """Return the most doubtful labels, the worst first, and how many are in doubt at all.

    Args:
        rows: whose labels are judged.
        said: probabilities by models that did not learn from the row.
        most: how many to return.
    """
    suspicion = suspect(rows.labels, said)
    doubts = []
    for i in ranked(suspicion, most):
        label, other = rows.labels[i], suspicion.suggested[i]
        names = rows.classes[label], rows.classes[other]
        shares = f"{said[i, label]:.4f}", f"{said[i, other]:.4f}"
        doubts.append(Doubt(rows.ids[i], rows.digests[i], *names, *shares))
    return doubts, int(suspicion.suspicious.sum())


def write_doubts(path: Path, doubts: list[Doubt]) -> None:
    """Write the table for a spreadsheet."""
    write_table(path, Doubt._fields, doubts)


def read_decisions(path: Path, known: dict[str, str], classes: list[str]) -> list[Correction]:
    """Read what a person decided; rows without a decision are left out.

    Args:
        path: of the table that a person filled in.
        known: pixel digest of every picture of train and val, by its id.
        classes: that there are.

    Raises:
        StageError: if it is not such a table, or a row is of no picture of train or val.
    """
    table = read_table(path)
    if not {"id", "digest", "label", "decision"} <= set(table.columns):
        raise StageError(
            f"'{path}' is no table of doubts: expected the columns {', '.join(Doubt._fields)}. "
            "`python -m tasks.suspect` writes it."
        )
    columns = (table[name].str.strip() for name in ("id", "digest", "label", "decision"))
    rows = [Correction(*row) for row in zip(*columns, strict=True)]
    found = [correction for correction in rows if correction.now]
    for correction in found:
        if known.get(correction.id) != correction.digest:
            raise StageError(
                f"'{path}' decides on '{correction.id}': expected a picture of train or val with "
                "the pixels that were reviewed. Labels of the test set are not changed."
            )
        if correction.now not in classes:
            raise StageError(
                f"'{path}' says '{correction.now}' of '{correction.id}': expected one of "
                f"{', '.join(classes)}, or nothing while undecided."
            )
    return found
