"""Write the results table into the README: `python -m tasks.report.readme`.

The table stands between two markers; a test fails when it is not that of `data/metrics/`.
"""

from pathlib import Path

from tasks.params import load_params
from tasks.report.results import markdown_table, read_results
from tasks.stage import StageError, errors_in_one_line, written

README = Path("README.md")
START, END = "<!-- results -->\n", "<!-- end of results -->\n"


def with_table(text: str, table: str) -> str:
    """Return the text with what stands between the markers replaced.

    Raises:
        StageError: if a marker is missing.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise StageError(
            f"no place for the results in '{README}': expected the lines '{START.strip()}' and "
            f"'{END.strip()}'."
        )
    return f"{before}{START}\n{table}\n{END}{after}"


if __name__ == "__main__":
    with errors_in_one_line():
        table = markdown_table(read_results(load_params()))
        written(README, with_table(README.read_text(encoding="utf-8"), table))
