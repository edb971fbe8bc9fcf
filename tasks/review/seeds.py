"""Whether a difference is more than another seed of the same recipe would make.

McNemar's test tells two models apart. That one of them is better does not say that its recipe
is: another seed might have been better, too.
"""

from tasks.measures.paired import Pairs
from tasks.measures.spread import Reach, Spread, reach, welch
from tasks.report.wording import percent
from tasks.review.wording import points


def describe_seeds(pairs: Pairs, before: Spread | None, after: Spread | None) -> list[str]:
    """Return sentences on seeds; none if neither side was trained with several.

    Args:
        pairs: the test images, by which of the two models got them right.
        before: of the seeds before.
        after: likewise.
    """
    spreads = [spread for spread in (before, after) if spread]
    if not spreads:
        return []
    told = [describe_reach(pairs.difference, reach(spreads))]
    if before and after:
        told.append(describe_means(before, after))
    return told


def describe_reach(difference: float, chance: Reach) -> str:
    """Compare the difference of two models with that of two seeds."""
    within = abs(difference) <= chance.points
    return (
        f"another seed alone moves the accuracy by up to {100 * chance.points:.2f} points (95 %, "
        f"from {chance.seeds} seeds): the difference of {points(difference)} is "
        + ("within that, so it says nothing of the recipe" if within else "more than that")
    )


def describe_means(before: Spread, after: Spread) -> str:
    """Compare the means over seeds."""
    low, high = welch(before, after)
    return (
        f"means over {before.n} and {after.n} seeds: {percent(before.mean, 2)} → "
        f"{percent(after.mean, 2)}, 95 % interval of their difference {points(low)} to "
        f"{points(high)} points"
    )
