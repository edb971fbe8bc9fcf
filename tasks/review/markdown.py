"""The review for a pull request: a table, and what explains it folded.

Names of classes and files come from whoever wrote the pull request, so nothing of them is
Markdown or HTML. Nor does GitHub make an address, a mention of somebody, the number of an issue or
an emoji of them; it looks for these after entities were decoded, so an invisible space parts them
(https://github.github.com/gfm/#autolinks-extension-). What it may still link is a commit of this
repository, by its digits, and whatever prefix the repository itself declares to be a reference.

All of it fits into a comment: verdicts go before notes, notes before details, details before
pictures, and what was cut is said.
"""

import re
from collections.abc import Iterable, Sequence

from tasks.report.results import row
from tasks.report.wording import counted
from tasks.review.difference import UNCOMPARED, Difference, Verdict
from tasks.review.room import Room
from tasks.review.wording import cells, describe, describe_class, describe_flip, describe_gaps

MARKUP = re.compile(
    r"^(?:\s|[-+](?=\s)|\d+(?=[.)]\s))"  # begins a list or code
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word it is plain
    r"|[^\w .,;:/+\-%→='()]"
)
LINKED = re.compile(
    r"(?<![a-z\d])@|@(?=\S*\.\S)"  # a mention or an address, but not `evaluate@mnist_cnn`
    r"|#|(?<![a-z\d])gh(?=-\d)"  # an issue
    r"|:(?=\S)|www(?=\.)",  # an address or an emoji
    re.ASCII | re.IGNORECASE,
)
APART = "\N{ZERO WIDTH SPACE}"
LIMIT = 60_000  # characters; GitHub takes 65,536, and .ci/compare has parameters to add
MARGIN = 1_000  # of these, for what joins the parts and says what was cut
GRAVEST: tuple[Verdict, ...] = ("worse", *UNCOMPARED, "better")  # come first
HEADINGS = ("Experiment", "Before", "After", "Points", "95 % interval", "Verdict")
FLIP_HEADINGS = ("Picture", "Label", "Was", "Now", "Probability of label")


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, and that links to nothing by itself."""
    parted = LINKED.sub(rf"\g<0>{APART}", text)
    return MARKUP.sub(lambda found: "".join(f"&#{ord(c)};" for c in found[0]), parted)


def table(headings: Iterable[str], columns: str, rows: Iterable[str]) -> str:
    """Return a table of rows; an `l` or an `r` for each column."""
    borders = row("---" if column == "l" else "--:" for column in columns)
    return "\n".join([row(headings), borders, *rows]) + "\n"


def show(title: str, differences: Sequence[Difference], most: int, command: str) -> str:
    """Return the review, in at most `LIMIT` characters.

    Args:
        title: what is compared with what.
        differences: in the order of `params.yaml`.
        most: pictures to list per experiment.
        command: that shows all of it, to be named where something was cut.
    """
    room = Room(LIMIT - MARGIN)
    changed = [d for d in differences if d.verdict != "unchanged"]
    parts = room.take([f"### {plain(title)}\n"], "title")
    if gaps := describe_gaps(differences):
        alert = f"> [!CAUTION]\n> **{plain(gaps)}** Why, and what to do, is said below.\n"
        parts += room.take([alert], "warning")
    parts += [table(HEADINGS, "lrrrrl", verdicts(changed, room))] if changed else []
    same = room.take([f"{plain(d.name)}," for d in differences if d.verdict == "unchanged"], "name")
    notes = [f"- {plain(d.name)}: {plain(note)}" for d in gravest(differences) for note in d.notes]
    parts += room.take(notes, "note")
    parts += [f"\nUnchanged: {' '.join(same).removesuffix(',')}.\n"] if same else []
    for difference in changed:
        parts += details_that_fit(difference, most, room)
    if room.cut:
        everything = f"<code>{plain(command)}</code> shows all."
        parts.append(f"\nCut to fit into a comment: {room.describe_cut()}. {everything}\n")
    return "\n".join(parts)


def gravest(differences: Sequence[Difference]) -> list[Difference]:
    """Return those first that must not be missed."""
    ranks = {verdict: rank for rank, verdict in enumerate(GRAVEST)}
    return sorted(differences, key=lambda difference: ranks.get(difference.verdict, len(ranks)))


def verdicts(differences: Sequence[Difference], room: Room) -> list[str]:
    """Return the rows of the table; the gravest ones, if not all fit."""
    rows = {d.name: verdict_row(d) for d in differences}
    kept = set(room.take([rows[d.name] for d in gravest(differences)], "row"))
    return [line for line in rows.values() if line in kept]


def verdict_row(difference: Difference) -> str:
    """Return a row of the table of verdicts."""
    numbers = cells(difference.figures) if difference.figures else ("", "", "", "")
    return row(map(plain, (difference.name, *numbers, difference.verdict)))


def details_that_fit(difference: Difference, most: int, room: Room) -> list[str]:
    """Return the details of one experiment with as many pictures as there is room for."""
    if not difference.figures:
        return []
    wanted = shown = max(0, min(most, len(difference.figures.flips)))
    text = details(difference, shown)
    while shown > 0 and not room.fits(text):
        shown //= 2
        text = details(difference, shown)
    taken = room.take([text], "folded part")
    if taken:
        room.leave(wanted - shown, "picture")
    return taken


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
        rows = (row(map(plain, describe_flip(flip))) for flip in figures.flips[:most])
        parts.append(table(FLIP_HEADINGS, "llllr", rows))
    return "\n".join([*parts, "</details>\n"])
