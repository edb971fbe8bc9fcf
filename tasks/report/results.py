"""The results table: each experiment's accuracy with its interval, beside the source's number.

Nothing in it depends on the machine: no seconds, no hardware. The report, the terminal, the
flow's summary and the README all show this one table.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tasks.params import Params, Published
from tasks.report.wording import percent
from tasks.stage import METRICS

HEADINGS = ("Experiment", "Accuracy", "95 % interval", "n", "Published", "Unleaked")
TO_COME = "not trained yet"


@dataclass(frozen=True)
class Result:
    """One row of the table.

    Attributes:
        name: of the experiment in params.yaml.
        title: what the recipe is, in words.
        dataset: its name in params.yaml.
        published: what the source of the recipe reports, if it reports anything.
        metrics: as `evaluate` wrote them, or None for an experiment that has not been scored.
    """

    name: str
    title: str
    dataset: str
    published: Published | None
    metrics: dict[str, float] | None

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return accuracy, interval, n, the published number and the unleaked accuracy as text.

        The last is the accuracy without the test images that have a copy in train or val.
        """
        published = percent(self.published.accuracy, 2) if self.published else ""
        if self.metrics is None:
            return TO_COME, "", "", published, ""
        low, high = self.metrics["accuracy_low"], self.metrics["accuracy_high"]
        return (
            percent(self.metrics["accuracy"], 2),
            f"{100 * low:.2f} to {100 * high:.2f}",
            f"{self.metrics['n']:,.0f}",
            published,
            percent(self.metrics["unleaked_accuracy"], 2) if self.leaked else "",
        )

    @property
    def leaked(self) -> bool:
        """Whether some, but not all, test images have a copy in train or val."""
        metrics = self.metrics or {}
        return bool(metrics.get("leaked")) and "unleaked_accuracy" in metrics


def read_results(params: Params) -> list[Result]:
    """Return a row for each experiment, datasets and experiments in the order of params.yaml."""
    order = list(params.datasets)
    found = [
        Result(name, e.title, e.dataset, e.published, read_metrics(name))
        for name, e in params.experiments.items()
    ]
    return sorted(found, key=lambda result: order.index(result.dataset))


def read_metrics(experiment: str) -> dict[str, float] | None:
    """Return what `evaluate` measured, or None before it has run."""
    path = METRICS / f"{experiment}.json"
    if not path.exists():
        return None
    metrics: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return metrics


def terminal_table(results: Iterable[Result]) -> Table:
    """Return the table for a terminal, narrow enough for 80 columns."""
    table = Table(
        box=SIMPLE_HEAD,
        title="Results on the test sets",
        title_justify="left",
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for heading in HEADINGS:
        justify: Literal["left", "right"] = "left" if heading == HEADINGS[0] else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    last = ""
    for result in results:
        if last not in {"", result.dataset}:
            table.add_section()
        last = result.dataset
        table.add_row(result.name, *result.cells())
    return table


def markdown_table(results: Iterable[Result]) -> str:
    """Return the table for a pull request or the README."""
    lines = [row(HEADINGS), "|---|--:|--:|--:|--:|--:|"]
    lines += [row((f"`{r.name}`", *r.cells())) for r in results]
    return "\n".join(lines) + "\n"


def row(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"
