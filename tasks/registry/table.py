"""The registry as one table: versions, where they are in use, and what they are worth."""

import json
from collections.abc import Iterable, Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tasks.registry.gates import accuracy_in_words
from tasks.registry.versions import STAGE_NAMES, History
from tasks.report.wording import listed, percent
from tasks.review.sides import git
from tasks.stage import METRICS

HEADINGS = ("Experiment", "Version", "Stage", "Commit", "Accuracy (95 % interval)", "n", "ECE")
SHORT = 7  # letters of a commit's name
ECE = "expected_calibration_error"


def registry_table(histories: Iterable[History]) -> Table:
    """Return a row for each version, the newest first."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for at, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if at > 3 else "left", no_wrap=True)
    for history in histories:
        for version, commit in reversed(history.versions.items()):
            stages = [stage for stage in STAGE_NAMES if history.holder(stage) == version]
            metrics = metrics_at(commit, history.experiment)
            told = (version, listed(stages), commit[:SHORT], *cells(metrics))
            table.add_row(history.experiment, *told)
    return table


def metrics_at(commit: str, experiment: str) -> Mapping[str, float]:
    """Return the metrics that a commit has of an experiment, none if it has none."""
    text = git("show", f"{commit}:{(METRICS / f'{experiment}.json').as_posix()}")
    return json.loads(text) if text else {}


def cells(metrics: Mapping[str, float]) -> tuple[str, str, str]:
    """Return accuracy, number of test images and calibration error, calibrated if it was."""
    if not metrics:
        return "not known here", "", ""
    error = metrics.get(f"{ECE}_calibrated", metrics[ECE])
    return accuracy_in_words(metrics), f"{metrics['n']:,.0f}", percent(error)
