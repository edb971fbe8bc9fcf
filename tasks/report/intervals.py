"""Where an accuracy, its interval and the published number lie on a common scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.results import Result

MARGIN = 0.05  # of the scale, on either side


@dataclass(frozen=True)
class Interval:
    """Positions from 0 to 100 on the scale of one dataset."""

    low: float
    high: float
    at: float
    published: float | None


def intervals(results: Sequence[Result]) -> dict[str, Interval]:
    """Return the positions of every scored experiment by its name."""
    scored = {r.name: (r.metrics, r.published) for r in results if r.metrics}
    ends = [m[key] for m, _ in scored.values() for key in ("accuracy_low", "accuracy_high")]
    ends += [published.accuracy for _, published in scored.values() if published]
    if not ends:
        return {}
    low, high = min(ends), max(ends)
    margin = MARGIN * (high - low) or MARGIN

    def place(share: float) -> float:
        return round(100 * (share - low + margin) / (high - low + 2 * margin), 2)

    return {
        name: Interval(
            low=place(metrics["accuracy_low"]),
            high=place(metrics["accuracy_high"]),
            at=place(metrics["accuracy"]),
            published=place(published.accuracy) if published else None,
        )
        for name, (metrics, published) in scored.items()
    }
