"""The review for a pull request: a table, and what explains it folded.

Names of classes and files come from whoever wrote the pull request, so nothing of them is
Markdown, HTML or a mention of somebody.
"""

from collections.abc import Iterable, Sequence

from tasks.report.results import row
from tasks.report.wording import counted
from tasks.review.difference import Difference
from tasks.review.wording import cells, describe, describe_class, describe_flip

PLAIN = set(" .,;:/+-_%→='()")


def plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(c if c.isalnum() or c in PLAIN else f"&#{ord(c)};" for c in text)


def table(headings: Iterable[str], columns: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table of plain texts; an `l` or an `r` for each column."""
    borders = row("---" if column == "l" else "--:" for column in columns)
    return "\n".join([row(headings), borders, *(row(map(plain, cells)) for cells in rows)]) + "\n"


def show(title: str, differences: Sequence[Difference], most: int) -> str:
    """Return the review; at most `most` pictures are listed per experiment."""
    changed = [d for d in differences if d.verdict != "unchanged"]
    same = [plain(d.name) for d in differences if d.verdict == "unchanged"]
    headings = ("Experiment", "Before", "After", "Points", "95 % interval", "Verdict")
    rows = ((d.name, *(cells(d.figures) if d.figures else [""] * 4), d.verdict) for d in changed)
    parts = [f"### {plain(title)}\n"]
    parts += [table(headings, "lrrrrl", rows)] if changed else []
    parts += [f"- {plain(d.name)}: {plain(note)}" for d in changed for note in d.notes]
    parts += [f"\nUnchanged: {', '.join(same)}.\n"] if same else []
    parts += [details(d, most) for d in changed if d.figures]
    return "\n".join(parts)


def details(difference: Difference, most: int) -> str:
    """Return test, classes and pictures of one experiment, folded."""
    figures = difference.figures
    if figures is None:
        return ""
    flips = counted(len(figures.flips), "prediction")
    parts = [f"<details><summary>{plain(difference.name)}: {flips} flipped</summary>\n"]
    parts.append(plain(" ".join(describe(figures, difference.p))) + "\n")
    if figures.classes:
        parts.append("Recall changed (Holm over the classes):\n")
        parts += [f"- {plain(describe_class(change))}" for change in figures.classes] + [""]
    if most and figures.flips:
        headings = ("Picture", "Label", "Was", "Now", "Probability of label")
        parts.append(table(headings, "llllr", map(describe_flip, figures.flips[:most])))
    return "\n".join([*parts, "</details>\n"])
