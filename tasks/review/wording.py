"""Differences as a person reads them."""

from collections.abc import Sequence

from tasks.report.wording import counted, listed, percent
from tasks.review.difference import UNCOMPARED, Difference
from tasks.review.figures import ClassChange, Figures, Flip

MOST_NAMES = 8  # of experiments in a sentence


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign: `+0.46`."""
    return f"{100 * share:+.2f}"


def chance(p: float) -> str:
    """Return a p-value: `p = 0.013`, `p < 0.0001`."""
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def cells(figures: Figures) -> tuple[str, str, str, str]:
    """Return accuracy before and after, the difference and its interval, in per cent."""
    before, after = (f"{100 * share:.2f}" for share in figures.accuracies)
    interval = f"{points(figures.low)} to {points(figures.high)}"
    return before, after, points(figures.pairs.difference), interval


def describe(figures: Figures, corrected: float | None) -> list[str]:
    """Return sentences: what happened to how many images, and what the test set can show."""
    pairs = figures.pairs
    told = [
        f"Of {counted(pairs.n, 'test image')}, {pairs.gained:,} became right and {pairs.lost:,} "
        f"wrong: {chance(figures.p)} by exact McNemar"
        + (f", {chance(corrected)} among all that changed." if corrected != figures.p else ".")
        if corrected is not None
        else f"All {counted(pairs.n, 'test image')} are predicted as before."
    ]
    if corrected is not None:
        told.append(describe_resolution(figures.resolution))
    return told


def describe_resolution(share: float | None) -> str:
    """Say which difference such a test set would show."""
    if share is None:
        return "So few images can show no difference, however large."
    return f"Four in five such test sets would show a true difference of {100 * share:.2f} points."


def describe_class(change: ClassChange) -> str:
    """Return how the recall of a class changed: `3: 97.4 % → 99.0 % of 1,010, p = 0.002`."""
    pairs = change.pairs
    before, after = (percent((pairs.both + n) / pairs.n) for n in (pairs.lost, pairs.gained))
    return f"{change.name}: {before} → {after} of {pairs.n:,}, {chance(change.p)}"


def describe_flip(flip: Flip) -> tuple[str, str, str, str, str]:
    """Return id, label, the classes before and after, and how the label's probability moved."""
    return flip.id, flip.label, flip.was, flip.now, f"{flip.p_was:.2f} → {flip.p_now:.2f}"


def describe_gaps(differences: Sequence[Difference]) -> str | None:
    """Say which experiments were not compared, for that is no pass; None if all were."""
    met = [d for d in differences if d.verdict not in ("new", "gone")]
    gaps = [d.name for d in met if d.verdict in UNCOMPARED]
    if not gaps:
        return None
    rest = len(gaps) - MOST_NAMES
    names = [*gaps[:MOST_NAMES], f"{rest:,} more"] if rest > 0 else gaps
    compared = "Nothing was compared"
    if len(gaps) < len(met):
        compared = f"{len(gaps):,} of {counted(len(met), 'experiment')} could not be compared"
    return f"{compared}: nobody knows whether {listed(names, 'or')} got better or worse."
