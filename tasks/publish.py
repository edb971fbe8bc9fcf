"""Write the report: one page that a person can read, on a phone and offline, too.

It reads what the other stages measured and drew, for whichever experiments have been scored,
and writes `data/report/index.html` and `data/report/report.md`.

    python -m tasks.publish
"""

from rich.console import Console

from tasks.params import load_params
from tasks.report import page
from tasks.report.results import read_results, terminal_table
from tasks.stage import REPORT, StageError, written
from tasks.stage.command import own_parser, started


def run() -> None:
    """Write the report, print the results table and where the report is.

    Raises:
        StageError: if nothing has been scored yet.
    """
    params = load_params()
    results = read_results(params)
    if not any(result.metrics for result in results):
        raise StageError(
            "nothing to report: expected a file of metrics in 'data/metrics', found none of an "
            "experiment in params.yaml. Run evaluate first (dvc repro)."
        )
    chapters = page.read_chapters(params, results)
    written(REPORT / "index.html", page.html(chapters))
    written(REPORT / "report.md", page.markdown(chapters))
    console = Console()
    console.print(terminal_table(results))
    console.print(f"report: {REPORT / 'index.html'}", soft_wrap=True)


if __name__ == "__main__":
    own_parser().parse_args()
    with started():
        run()
