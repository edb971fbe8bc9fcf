"""Pages of Markdown, and what Prefect's UI can show in them: tables and pictures, no HTML."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.report.results import row


@dataclass(frozen=True)
class Page:
    """A page of Markdown.

    Attributes:
        name: the same for each edition of the page: `results`, `evaluate@mnist_cnn`.
        summary: what it says, in one line.
    """

    name: str
    summary: str
    text: str

    @property
    def key(self) -> str:
        """Return the name as Prefect allows it: lowercase letters, numbers and dashes."""
        return re.sub("[^a-z0-9]+", "-", self.name.lower()).strip("-")


def table(headings: Iterable[str], columns: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table.

    Args:
        headings: may be empty.
        columns: an `l` (left) or an `r` (right, for numbers) for each.
        rows: cells that are Markdown themselves.
    """
    borders = row("---" if column == "l" else "--:" for column in columns)
    return "\n".join([row(headings), borders, *map(row, rows)]) + "\n"


def image(alt: str, uri: str) -> str:
    """Return an image; a data URI keeps it in the page."""
    return f"![{alt}]({uri})"
