"""What happened during a training, as the table that is plotted."""

from typing import NamedTuple


class History(NamedTuple):
    """Columns and rows of `history.csv`."""

    columns: list[str]
    rows: list[list[object]]
