"""How far results lie apart that differ in the seed alone, as plain numbers.

Few seeds say little of their own spread, and Student's t takes that into account (Student
1908, https://doi.org/10.2307/2331554): of 3 seeds an interval is 4.3 standard errors to either
side. It says where the mean of many seeds would lie on the same test images. How far other
test images would move it is the business of Wilson's interval.

Accuracies come in steps of one image, so seeds may agree by rounding. Their deviation is taken
to be at least that of a rounding error, or three seeds with one score would leave no doubt.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple, Self

from scipy.special import stdtrit

CONFIDENCE = 0.95


class Spread(NamedTuple):
    """The accuracies of several seeds.

    Attributes:
        n: seeds, at least 2.
        mean: of their accuracies, 0..1.
        deviation: their standard deviation (of a sample: n - 1).
        images: that were scored.
    """

    n: int
    mean: float
    deviation: float
    images: int

    @classmethod
    def of(cls, accuracies: Sequence[float], images: int) -> Self:
        """Return the spread of at least two accuracies on so many images."""
        return cls(len(accuracies), fmean(accuracies), stdev(accuracies), images)

    @classmethod
    def read(cls, metrics: Mapping[str, float]) -> Self | None:
        """Return what `evaluate` wrote; None where there was one seed."""
        if "seeds" not in metrics:
            return None
        mean, deviation = metrics["seeds_mean"], metrics["seeds_deviation"]
        return cls(int(metrics["seeds"]), mean, deviation, int(metrics["n"]))

    @property
    def variance(self) -> float:
        """Return the square of the deviation, or that of a rounding error if it is larger."""
        return max(self.deviation**2, 1 / (12 * self.images**2))

    def interval(self) -> tuple[float, float]:
        """Return the 95 % t-interval of the mean, within 0..1."""
        half = quantile(self.n - 1) * math.sqrt(self.variance / self.n)
        return max(0.0, self.mean - half), min(1.0, self.mean + half)

    def as_metrics(self) -> dict[str, float]:
        """Return all of it, flat; values have six digits."""
        low, high = self.interval()
        told = {
            "seeds": self.n,
            "seeds_deviation": self.deviation,
            "seeds_high": high,
            "seeds_low": low,
            "seeds_mean": self.mean,
        }
        return {name: round(value, 6) for name, value in told.items()}


class Reach(NamedTuple):
    """How far apart two trainings may be that differ in the seed alone."""

    points: float  # a share, within which 95 of 100 such pairs lie
    seeds: int  # that it was estimated from


def reach(spreads: Sequence[Spread]) -> Reach:
    """Return how far apart another seed alone may bring two results.

    That is the 95 % prediction interval of a difference of two, with the deviation pooled.

    Args:
        spreads: at least one, of recipes whose seeds scatter alike.
    """
    freedom = sum(s.n - 1 for s in spreads)
    variance = sum((s.n - 1) * s.variance for s in spreads) / freedom
    return Reach(quantile(freedom) * math.sqrt(2 * variance), sum(s.n for s in spreads))


def welch(before: Spread, after: Spread) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two means, after minus before.

    The deviations need not be equal (Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28).
    """
    shares = [s.variance / s.n for s in (before, after)]
    difference = after.mean - before.mean
    parts = (share**2 / (s.n - 1) for share, s in zip(shares, (before, after), strict=True))
    half = quantile(sum(shares) ** 2 / sum(parts)) * math.sqrt(sum(shares))
    return difference - half, difference + half


def quantile(freedom: float) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2))
