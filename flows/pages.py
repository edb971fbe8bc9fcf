"""The pages that a run publishes at its end: what ran, the results, what changed."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping

from flows.changes import Change, Changes
from flows.lines import Ending
from flows.markdown import Page, table
from flows.processes import Outcome
from tasks.report.page import plain
from tasks.report.results import HEADINGS, Result
from tasks.report.wording import counted, listed

WIDEST = 80  # characters of code in a page
LONGEST_VALUE = 60  # characters of a parameter
MOVED_MOST = 5  # of the metrics of single classes
URGENT_FIRST: tuple[Ending, ...] = ("failed", "not run", "ran", "restored", "unchanged")


# ---- what ran -------------------------------------------------------------------------


def stages_page(outcomes: Mapping[str, Outcome]) -> Page:
    """Return what became of each stage that was not skipped, and why what failed did."""
    counts = Counter(outcome.ending for outcome in outcomes.values())
    summary = listed([f"{counts[ending]:,} {ending}" for ending in URGENT_FIRST if counts[ending]])
    rows = [
        (f"`{address}`", state(outcome), seconds(outcome))
        for address, outcome in outcomes.items()
        if outcome.ending != "unchanged"
    ]
    failures = [
        f"## {address} failed\n\n{as_printed(outcome.reason)}"
        for address, outcome in outcomes.items()
        if outcome.ending == "failed"
    ]
    what_ran = table(("Stage", "State", "Seconds"), "llr", rows)
    return Page("stages", f"{summary}.", "\n".join([what_ran, *failures]))


def as_printed(text: str) -> str:
    """Return lines as a block of code; a long one would run out of the page."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDEST) or [""]]
    return "".join(f"    {line}\n" for line in lines)


def state(outcome: Outcome) -> str:
    """Return how a stage ended, and for one that was not run, why."""
    why = f": {plain(outcome.reason)}" if outcome.ending == "not run" else ""
    return f"**{outcome.ending}**" if outcome.ending == "failed" else outcome.ending + why


def seconds(outcome: Outcome) -> str:
    """Return how long a stage took, nothing if it was not started."""
    return "" if outcome.seconds is None else f"{outcome.seconds:,.1f}"


# ---- the results ----------------------------------------------------------------------


def results_page(results: Iterable[Result], changes: Changes | None) -> Page:
    """Return the results table, with what the accuracy has gained since the last commit."""
    rows, moved = [], []
    for result in results:
        gained = gain(changes.of_accuracy(result.name)) if changes else ""
        accuracy, *others = result.cells()
        rows.append((f"`{result.name}`", accuracy, gained, *others))
        moved += [f"{result.name} {gained}"] if gained else []
    headings = (*HEADINGS[:2], "Change", *HEADINGS[2:])
    text = table(headings, "lrrrrr", rows)
    if changes is None:
        return Page("results", "Not compared: there is no commit yet.", text)
    note = f"Accuracy on the test sets; change in points since {changes.commit}.\n"
    summary = f"{', '.join(moved) or 'No accuracy changed'} since {changes.commit}."
    return Page("results", summary, f"{text}\n{note}")


def gain(change: Change | None) -> str:
    """Return what the accuracy has gained in points, as its rounded per cents differ."""
    if change is None or change.new is None:
        return ""
    if change.old is None:
        return "new"
    return f"{round(100 * change.new, 2) - round(100 * change.old, 2):+.2f}"


# ---- what changed ---------------------------------------------------------------------


def changes_page(changes: Changes) -> Page | None:
    """Return which parameters and metrics differ from the last commit; None if none does."""
    if not changes.params and not changes.metrics:
        return None
    params = [
        differences_table(f"Parameters in {file}", changed.items())
        for file, changed in changes.params.items()
    ]
    metrics = [metrics_table(file, changed) for file, changed in changes.metrics.items()]
    n_params = counted(sum(map(len, changes.params.values())), "parameter")
    n_metrics = counted(sum(map(len, changes.metrics.values())), "metric")
    return Page(
        "changes",
        f"{n_params} and {n_metrics} changed since {changes.commit}.",
        "\n".join([*params, *metrics, f"All of it: `dvc metrics diff {changes.commit}`."]),
    )


def metrics_table(file: str, changed: Mapping[str, Change]) -> str:
    """Return how the metrics in one file changed; of those of single classes, the largest."""
    nested = {name for name in changed if "." in name}  # precision.cat, recall.dog
    largest = sorted(nested, key=lambda name: -abs(difference(changed[name]) or 0))[:MOVED_MOST]
    shown = [*sorted(set(changed) - nested), *sorted(largest)]
    more = len(changed) - len(shown)
    differences = differences_table(file, [(name, changed[name]) for name in shown])
    return differences + (f"\n{counted(more, 'other')} changed less.\n" if more else "")


def differences_table(heading: str, changed: Iterable[tuple[str, Change]]) -> str:
    """Return a table of values at the last commit and now."""
    rows = []
    for name, change in changed:
        moved = difference(change)
        by = "" if moved is None else f"{moved:+.4g}"
        rows.append((f"`{name}`", value(change.old), value(change.new), by))
    return f"## {heading}\n\n{table(('', 'Before', 'Now', 'Change'), 'lrrr', rows)}"


def difference(change: Change) -> float | None:
    """Return by how much a number changed, None where one of the values is none."""
    if isinstance(change.old, int | float) and isinstance(change.new, int | float):
        return change.new - change.old
    return None


def value(of: object) -> str:
    """Return a parameter or a metric in a few characters."""
    if of is None:
        return ""
    text = f"{of:.6g}" if isinstance(of, float) else str(of)
    return plain(textwrap.shorten(text, LONGEST_VALUE, placeholder=" ..."))
