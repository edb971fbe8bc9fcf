"""The review as one page that needs nothing else: verdicts, causes, curves and flipped pictures.

It is for the person who decides whether a retrained model may stay. Figures and pictures are in
the page, so that it can be sent around.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.measures.figures import draw
from tasks.measures.ledger import models_beside, read_looks
from tasks.report.pictures import Picture
from tasks.report.sorting import SCRIPT, SCRIPT_DIGEST
from tasks.report.wording import counted, listed
from tasks.review.difference import Difference
from tasks.review.origins import Origins, origins
from tasks.review.pictures import flipped
from tasks.review.scored import Scored
from tasks.review.stored import UnreadableError, read_text
from tasks.review.wording import cells, describe, describe_class, describe_gaps
from tasks.stage import PLOTS

HERE = Path(__file__).parent
STYLES = HERE.parent / "report" / "style.css", HERE / "style.css"
UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Review:
    """One experiment on the page.

    Attributes:
        difference: the verdict and its figures.
        numbers: before, after, difference in points and interval; empty without figures.
        sentences: what the verdict rests on.
        origins: what differs in data, code and parameters; None where there is one side only.
        curves: of the training before and after, with their headings.
        pictures: whose prediction flipped, the largest changes first.
        hidden: how many more there are.
        absent: how many of these would be shown, but are not here with the pixels that were scored.
    """

    difference: Difference
    numbers: tuple[str, ...]
    sentences: list[str]
    origins: Origins | None
    curves: list[tuple[str, str]]
    pictures: list[Picture]
    hidden: int
    absent: int
    small: bool


def show(
    title: str,
    differences: Sequence[Difference],
    pairs: Mapping[str, tuple[Scored, Scored]],
    most: int,
) -> str:
    """Return the page.

    Args:
        title: what is compared with what.
        differences: in the order of `params.yaml`.
        pairs: both models by the name of the difference, where there are two.
        most: pictures to show per experiment.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    reviews = [review(d, pairs.get(d.name), most) for d in differences]
    return environment.get_template("page.html.j2").render(
        title=title,
        reviews=reviews,
        changed=[r for r in reviews if r.difference.verdict != UNCHANGED],
        gaps=describe_gaps(differences),
        looks=looks(pairs),
        style=Markup("\n".join(path.read_text("utf-8") for path in STYLES)),
        script=Markup(SCRIPT),
        script_digest=SCRIPT_DIGEST,
    )


def review(difference: Difference, pair: tuple[Scored, Scored] | None, most: int) -> Review:
    """Gather what the page shows of one experiment."""
    figures = difference.figures
    told = [f"{note[0].upper()}{note[1:].removesuffix('.')}." for note in difference.notes]
    if figures:
        told += describe(figures, difference.p)
        told += [f"Recall of {describe_class(change)}." for change in figures.classes]
    flips = figures.flips if figures else []
    wanted = flips[:most] if pair else []
    pictures = flipped(pair[1], wanted) if pair else []
    return Review(
        difference=difference,
        numbers=cells(figures) if figures else (),
        sentences=told,
        origins=origins(*pair) if pair else None,
        curves=curves(*pair) if pair and difference.verdict != UNCHANGED else [],
        pictures=pictures,
        hidden=len(flips) - len(pictures),
        absent=len(wanted) - len(pictures),
        small=bool(pictures) and pictures[0].width < 72,
    )


def curves(before: Scored, after: Scored) -> list[tuple[str, str]]:
    """Return the drawn histories of both trainings, where both are here."""
    drawn: list[tuple[str, str]] = []
    for heading, scored in (("before", before), ("after", after)):
        path = PLOTS / scored.experiment / "history.csv"
        try:
            rows = list(csv.DictReader(read_text(scored.side.files, str(path)).splitlines()))
        except (OSError, UnreadableError):
            return []
        if not rows:
            return []
        family = "history_network" if "train_loss" in rows[0] else "history_neighbours"
        drawn.append((heading, Markup(draw(family, rows))))
    return drawn


def looks(pairs: Mapping[str, tuple[Scored, Scored]]) -> list[str]:
    """Say how many models were scored so far on the test set that each dataset has after."""
    told = []
    for name in dict.fromkeys(after.dataset for _, after in pairs.values()):
        own = [(a.experiment, a.model) for _, a in pairs.values() if a.dataset == name]
        counts = models_beside(read_looks(name), own)
        if len(counts) == 1:
            told.append(f"{name}: {counted(counts[0], 'model')}")
        elif counts:
            each = listed([str(n) for n in counts])
            told.append(f"{name}: {each} models on {len(counts)} test sets that may be meant")
    return told
