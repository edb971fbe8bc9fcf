"""What the report says of how often a test set was looked at."""

from collections.abc import Sequence

from tasks.measures.ledger import corrected_interval, read_looks
from tasks.report.results import Result
from tasks.report.wording import percent


def looks_in_words(dataset: str, results: Sequence[Result]) -> str:
    """Say how many models were scored on a test set, and what that does to the best number."""
    count = len({look.model for look in read_looks(dataset)})
    scored = [r for r in results if r.metrics]
    if not count or not scored:
        return ""
    if count == 1:
        return "One model has been scored on this test set."
    best = max(scored, key=lambda r: (r.metrics or {})["accuracy"])
    accuracy, n = ((best.metrics or {})[key] for key in ("accuracy", "n"))
    low, high = corrected_interval(accuracy, round(n), count)
    return (
        f"{count} models have been scored on this test set. Whoever takes the best of them, "
        f"{best.name} with {percent(accuracy, 2)}, has chosen on the test set; the 95 % interval "
        f"that allows for it is {100 * low:.2f} to {100 * high:.2f}."
    )
