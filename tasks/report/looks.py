"""What the report says of how often a test set was looked at."""

import json
from collections.abc import Sequence

from tasks.measures.ledger import corrected_interval, models_beside, read_looks
from tasks.report.results import Result
from tasks.report.wording import listed, percent
from tasks.stage import CALIBRATION


def looks_in_words(dataset: str, results: Sequence[Result]) -> str:
    """Say how many models were scored on a test set, and what that does to the best number."""
    scored = [r for r in results if r.metrics]
    own = [(r.name, model_of(r.name)) for r in scored]
    counts = models_beside(read_looks(dataset), own)
    if not counts or not scored:
        return ""
    if counts == [1]:
        return "One model has been scored on this test set."
    best = max(scored, key=lambda r: (r.metrics or {})["accuracy"])
    accuracy, n = ((best.metrics or {})[key] for key in ("accuracy", "n"))
    low, high = corrected_interval(accuracy, round(n), max(counts))
    return (
        f"{in_numbers(counts)}. Whoever takes the best of them, "
        f"{best.name} with {percent(accuracy, 2)}, has chosen on the test set; the 95 % interval "
        f"that allows for it is {100 * low:.2f} to {100 * high:.2f}."
    )


def in_numbers(counts: Sequence[int]) -> str:
    """Say how many models there were, on each test set if there may be several."""
    if len(counts) == 1:
        return f"{counts[0]} models have been scored on this test set"
    return (
        f"{listed([str(n) for n in counts])} models have been scored on the {len(counts)} test "
        "sets that these results may be of"
    )


def model_of(experiment: str) -> str:
    """Return the digest of an experiment's model, empty if it is not here.

    It was calibrated before it was scored, and its calibration names it.
    """
    path = CALIBRATION / f"{experiment}.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["model"]) if path.exists() else ""
