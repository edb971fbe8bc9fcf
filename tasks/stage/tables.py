"""Tables as CSV files: written whole or not at all, read as text, whole or row by row."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from jaxtyping import Int64

from tasks.stage import StageError, replacing

if TYPE_CHECKING:
    import pandas as pd  # takes longer to import than most stages need without it


def write_table(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file that any spreadsheet reads, whole or not at all."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_table(path: Path) -> "pd.DataFrame":
    """Read a CSV file with every value as text, so that a class may be called `NA` or `01`.

    Raises:
        StageError: if the file is missing.
    """
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise StageError(f"no '{path}': run the stage that makes it (dvc repro).") from None


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    """Yield the values of some columns of a CSV file, row by row as it is read.

    Raises:
        StageError: if the file is missing, or is not such a table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if missing := set(columns).difference(header):
                raise damaged(path, f"no column {', '.join(sorted(missing))}")
            at = [header.index(column) for column in columns]
            for row in rows:
                if len(row) != len(header):
                    raise damaged(path, f"{len(row)} values in line {rows.line_num}")
                yield [row[i] for i in at]
    except FileNotFoundError:
        raise StageError(f"no '{path}': run the stage that makes it (dvc repro).") from None


def damaged(path: Path, got: str) -> StageError:
    """Return the error of a table that is not as its stage wrote it."""
    return StageError(f"'{path}' is damaged: {got}. Delete it, and dvc repro makes it anew.")


class Column(Sequence[str]):
    """The values of one column in some rows of a CSV file, read when one is asked for.

    A training needs none of them, and those of a million rows fill hundreds of MiB.

    Args:
        path: of the file.
        name: of the column.
        rows: int64 (m,), which rows, counted from 0 without the header, ascending.
    """

    def __init__(self, path: Path, name: str, rows: Int64[np.ndarray, "m"]) -> None:
        self.path, self.name, self.rows = path, name, rows

    @cached_property
    def values(self) -> list[str]:
        """All values, in order."""
        wanted = np.zeros(self.rows.max(initial=-1) + 1, bool)
        wanted[self.rows] = True
        return [value for [value] in compress(read_columns(self.path, [self.name]), wanted.data)]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return self.values[at]
