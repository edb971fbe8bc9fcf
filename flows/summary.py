"""What a run tells at its end: a row per stage, then why what failed did."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.lines import Ending
from flows.processes import Outcome
from tasks.params import load_params
from tasks.report.results import read_results, terminal_table
from tasks.stage import METRICS, REPORT

COLOURS: dict[Ending, str] = {
    "ran": "green",
    "restored": "green",
    "unchanged": "dim",
    "failed": "bold red",
    "not run": "yellow",
}


def show_stages(outcomes: Mapping[str, Outcome]) -> None:
    """Print the table of stages, and under it the reasons of those that failed."""
    table = Table("Stage", "State", box=SIMPLE_HEAD)
    table.add_column("Seconds", justify="right")
    for address, outcome in outcomes.items():
        seconds = "" if outcome.seconds is None else f"{outcome.seconds:.1f}"
        why = f" ({outcome.reason})" if outcome.ending == "not run" else ""
        state = Text(outcome.ending + why, style=COLOURS[outcome.ending])
        table.add_row(Text(address), state, seconds)
    console = Console()
    console.print(table)
    for address, outcome in outcomes.items():
        if outcome.ending == "failed":
            console.print(Text(f"{address} failed:\n{indented(outcome.reason)}\n"))


def indented(text: str) -> str:
    """Indent every line."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def show_results() -> None:
    """Print the results table of the experiments, and where the report is."""
    console = Console()
    if METRICS.exists():
        console.print(terminal_table(read_results(load_params())))
    report = REPORT / "index.html"
    if report.exists():
        console.print(Text(f"Report: {report}"))
