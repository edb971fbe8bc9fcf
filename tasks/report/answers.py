"""Show what a model says of pictures as it says it: a table, CSV or JSON, some at a time."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from textwrap import indent
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table

from tasks.report.wording import certainty, listed

ROWS = 256  # of a table that are printed at a time


class Prediction(NamedTuple):
    """What a model says of one picture."""

    file: str
    classes: list[str]  # the likeliest first, never fewer than are possible
    probabilities: list[float]  # calibrated
    possible: int  # how many of these it may be; 1 if the model is sure
    error: str | None = None  # why nothing can be said


def in_words(p: Prediction) -> str:
    """Return what is said of one picture."""
    if p.error:
        return f"cannot be read: {p.error}"
    pairs = zip(p.classes, p.probabilities, strict=True)
    said = [f"{name} {certainty(probability)}" for name, probability in pairs]
    if p.possible == 1:
        return ", ".join(said)
    rest = f"; less likely: {', '.join(said[p.possible :])}" if said[p.possible :] else ""
    return f"not sure: {listed(said[: p.possible], 'or')}{rest}"


def show_table(predictions: Iterator[Prediction], longest: int, out: TextIO) -> None:
    """Print predictions for a person; `longest` is the length of the longest file name."""
    console = Console(file=out, width=None if out.isatty() else 120)
    first = True
    while rows := list(islice(predictions, ROWS)):
        table = Table(show_header=first, show_edge=False)
        table.add_column("picture", min_width=min(longest, console.width // 2))
        table.add_column("class and probability")
        for p in rows:
            table.add_row(p.file, in_words(p))
        console.print(table, markup=False)
        first = False


def show_csv(predictions: Iterator[Prediction], _: int, out: TextIO) -> None:
    """Print one line per picture and class; `possible` is 0 for what it is not."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "rank", "class", "probability", "possible"])
    for p in predictions:
        for rank, said in enumerate(zip(p.classes, p.probabilities, strict=True), start=1):
            writer.writerow([p.file, rank, *said, int(rank <= p.possible)])


def show_json(predictions: Iterator[Prediction], _: int, out: TextIO) -> None:
    """Print one list of objects; broken pictures have an `error` and no classes."""
    for i, p in enumerate(predictions):
        one = json.dumps(p._asdict(), indent=2, ensure_ascii=False)
        out.write(("," if i else "[") + "\n" + indent(one, "  "))
    out.write("\n]\n")
