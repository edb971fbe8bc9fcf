"""Read what the stages measured about one experiment; a file that is not here is no rows."""

from pathlib import Path

from tasks.stage.tables import read_table

Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a CSV file with every value as text; none if there is no file."""
    if not path.exists():
        return []
    table = read_table(path)
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]
