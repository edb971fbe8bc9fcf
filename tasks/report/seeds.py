"""What the report says of several seeds of one recipe."""

from collections.abc import Mapping

from tasks.measures.spread import Spread
from tasks.report.wording import percent


def seeds_in_words(metrics: Mapping[str, float]) -> str:
    """Say how far seeds lie apart, and where the mean of many would be; empty for one seed."""
    spread = Spread.read(metrics)
    if spread is None:
        return ""
    low, high = spread.interval()
    return (
        f"Trained with {spread.n} seeds, it gets {percent(spread.mean, 2)} on average, with a "
        f"standard deviation of {100 * spread.deviation:.2f} points. The mean of many seeds would "
        f"be {100 * low:.2f} to {100 * high:.2f} % on these test images (95 %, Student's t). The "
        "numbers here are those of the first seed."
    )
