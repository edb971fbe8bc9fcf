"""The review in a terminal of 80 columns."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tasks.report.wording import counted
from tasks.review.difference import Difference
from tasks.review.wording import cells, describe, describe_class, describe_flip, describe_gaps

HEADINGS = ("Experiment", "Before", "After", "Points", "95 % interval", "Verdict")
STYLES = {"better": "green", "worse": "bold red", "missing": "yellow", "cannot compare": "yellow"}
FLIP_HEADINGS = ("id", "label", "was", "now", "probability of label")


def show(title: str, differences: Sequence[Difference], most: int) -> Group:
    """Return a table of all experiments, and what is to be said of each below it.

    Args:
        title: what is compared with what.
        differences: in the order of `params.yaml`.
        most: pictures to list per experiment.
    """
    table = Table(
        box=SIMPLE_HEAD,
        title=Text(title),
        title_justify="left",
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for at, heading in enumerate(HEADINGS):
        table.add_column(
            heading, justify="right" if 0 < at < len(HEADINGS) - 1 else "left", no_wrap=at > 0
        )
    for d in differences:
        numbers = cells(d.figures) if d.figures else ("", "", "", "")
        if d.verdict == "unchanged":
            numbers = (*numbers[:2], "", "")
        table.add_row(Text(d.name), *numbers, Text(d.verdict, STYLES.get(d.verdict, "")))
    gaps = describe_gaps(differences)
    told = [part for d in differences for part in details(d, most)]
    return Group(table, Text(), *told, *([Text(gaps, "bold yellow")] if gaps else []))


def details(difference: Difference, most: int) -> list[Text | Table]:
    """Return notes, test, classes and pictures of one experiment; nothing if it is unchanged."""
    figures = difference.figures if difference.verdict != "unchanged" else None
    told = [f"{note[0].upper()}{note[1:].removesuffix('.')}." for note in difference.notes]
    told += describe(figures, difference.p) if figures else []
    parts: list[Text | Table] = [Text(f"{difference.name}: {' '.join(told)}")] if told else []
    if figures is None:
        return parts
    if figures.classes:
        named = "; ".join(map(describe_class, figures.classes))
        parts.append(Text(f"Recall changed (Holm over the classes): {named}."))
    if most:
        parts.append(Text(f"{counted(len(figures.flips), 'prediction')} flipped."))
        table = Table(*FLIP_HEADINGS, box=SIMPLE_HEAD, show_edge=False)
        for flip in figures.flips[:most]:
            table.add_row(*map(Text, describe_flip(flip)))
        parts.append(table)
    return [*parts, Text()]


def print_to_terminal(group: Group) -> None:
    """Print, in 100 columns where no terminal says how many it has."""
    console = Console()
    Console(width=None if console.is_terminal else 100).print(group)
