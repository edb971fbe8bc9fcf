"""Write the tables of results into the README: `python -m tasks.report.readme`.

Each stands between two markers; a test fails when it is not that of `data/metrics/`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from tasks.params import load_params
from tasks.report.confidence import confidence_table
from tasks.report.results import Result, markdown_table, read_results
from tasks.report.seeds import seeds_table
from tasks.stage import StageError, errors_in_one_line, written

README = Path("README.md")
TABLES: dict[str, Callable[[Iterable[Result]], str]] = {
    "results": markdown_table,
    "seeds": seeds_table,
    "confidence": confidence_table,
}


def with_table(text: str, table: str, name: str = "results") -> str:
    """Return the text with what stands between the markers of that name replaced.

    Raises:
        StageError: if a marker is missing.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, start, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise StageError(
            f"no place for the {name} in '{README}': expected the lines '{first.strip()}' and "
            f"'{last.strip()}'."
        )
    return f"{before}{first}\n{table}\n{last}{after}"


if __name__ == "__main__":
    with errors_in_one_line():
        text, results = README.read_text(encoding="utf-8"), read_results(load_params())
        for name, table in TABLES.items():
            text = with_table(text, table(results), name)
        written(README, text)
