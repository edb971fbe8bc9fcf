"""A table that a person has edited, read so that no decision is lost or guessed.

Spreadsheets save tables in other encodings, with other separators and with shifted rows. A
lenient reader makes something of all that, and a decision is then gone or on another picture.
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from textwrap import shorten

from tasks.stage import StageError

SEPARATORS = {";": "semicolons", "\t": "tabs"}  # of spreadsheets, where no comma was asked for
WIDEST = 200  # characters of a header in an error


def read_edited(
    path: Path,
    columns: Sequence[str],
    by: str,
    *,
    optional: Collection[str] = (),
    others: Collection[str] | None = None,
) -> Iterator[list[str]]:
    """Yield the values of some columns, without the spaces around them; no row of empty values.

    Args:
        path: of a CSV file in UTF-8, with or without a byte order mark.
        columns: that are read; the first one names the picture that a row is about.
        by: the command that writes such a table.
        optional: which of the columns may lack a value.
        others: columns that there may be besides; None for any.

    Raises:
        StageError: if it cannot be read, has other columns, a row that is too short or too
            long, lacks a value, or has two rows about a picture.
    """
    rows = rows_of(path, by)
    _, header = next(rows, (0, []))
    check_header(path, header, columns, by, others)
    at = [header.index(name) for name in columns]
    first_on: dict[str, int] = {}
    for line, row in rows:
        if len(row) != len(header):
            raise StageError(
                f"'{path}' has a row of {len(row)} values on line {line}: expected {len(header)}, "
                "one for each name in its first line. Mend that row."
            )
        values = [row[i] for i in at]
        for name, value in zip(columns, values, strict=True):
            if not value and name not in optional:
                raise StageError(
                    f"'{path}' has no {name} on line {line}: expected a value. Mend that row, or "
                    "remove it."
                )
        if (before := first_on.setdefault(values[0], line)) != line:
            raise StageError(
                f"'{path}' has '{values[0]}' twice, on lines {before} and {line}: expected one row "
                "a picture. Remove one of them."
            )
        yield values


def rows_of(path: Path, by: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that says something, and the number of the line that it ends on."""
    reader = csv.reader(io.StringIO(text_of(path, by), newline=""), strict=True)
    line = 0
    try:
        for row in reader:
            line = reader.line_num
            values = [value.strip() for value in row]
            if any(values):
                yield line, values
    except csv.Error as error:
        raise StageError(
            f"'{path}' is no table from line {line + 1} on ({error}): expected values between "
            "commas, and a quotation mark at both ends of a value or at none. Mend that row."
        ) from None


def text_of(path: Path, by: str) -> str:
    """Return what a file holds."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise StageError(f"no '{path}': expected a table. `{by}` writes it.") from None
    except OSError as error:
        raise StageError(
            f"cannot read '{path}' ({error.strerror}): expected a CSV file. Name the table."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StageError(
            f"'{path}' is no UTF-8 on line {line} (byte 0x{error.object[error.start]:02x}): "
            "expected a CSV file in that encoding. Save it again as 'CSV UTF-8' (Excel), or with "
            "the character set UTF-8 (LibreOffice)."
        ) from None


def check_header(
    path: Path,
    header: Sequence[str],
    columns: Sequence[str],
    by: str,
    others: Collection[str] | None,
) -> None:
    """Check that a table has the columns that it should, each of them once."""
    for mark, name in SEPARATORS.items():
        if len(header) == 1 and mark in header[0]:
            raise StageError(
                f"'{path}' has {name} between its values: expected commas. Save it again with "
                "commas; LibreOffice asks, Excel takes the list separator of the system's region."
            )
    known = header if others is None else [*columns, *others]
    if any(header.count(name) != 1 for name in columns) or not set(header) <= set(known):
        got = ", ".join(name or "(no name)" for name in header) or "(none)"
        expected = ", ".join([*columns, *(others or ())])
        raise StageError(
            f"'{path}' has the columns {shorten(got, WIDEST, placeholder=' ...')}: expected "
            f"{expected}. `{by}` writes it."
        )
