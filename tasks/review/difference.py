"""The verdict on each experiment: better, worse, or that nobody can tell.

A verdict is the exact McNemar test at 5 %, corrected by Holm for the number of experiments
that changed, so that not even one in twenty tables calls anything better or worse that is not.
The interval says how large a difference may be; it is not corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasks.measures.paired import SIGNIFICANT, holm
from tasks.review.figures import Figures

Verdict = Literal[
    "better",
    "worse",
    "cannot tell",  # more right or wrong than before, but no more than chance would do
    "unchanged",  # every image is predicted as before
    "new",  # only after
    "gone",  # only before
    "missing",  # there are no predictions to compare
    "cannot compare",  # no test image in common
]
UNCOMPARED: tuple[Verdict, ...] = ("missing", "cannot compare")


@dataclass(frozen=True)
class Difference:
    """What became of one experiment.

    Attributes:
        name: of the experiment, or of two: `mnist_mlp → mnist_cnn`.
        verdict: in words.
        notes: sentences that a reader of the figures has to know.
        figures: None where nothing could be compared.
        p: of the exact McNemar test, corrected; None without a verdict from it.
    """

    name: str
    verdict: Verdict
    notes: tuple[str, ...] = ()
    figures: Figures | None = None
    p: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything as what JSON has, shares in 0..1."""
        figures = self.figures
        told: dict[str, Any] = {"name": self.name, "verdict": self.verdict, "notes": self.notes}
        if figures is None:
            return told
        before, after = figures.accuracies
        return told | {
            "n": figures.pairs.n,
            "accuracy": {"before": before, "after": after, "difference": figures.pairs.difference},
            "interval": {"low": figures.low, "high": figures.high},
            "pairs": figures.pairs._asdict(),
            "p": figures.p,
            "p_corrected": self.p,
            "resolution": figures.resolution,
            "classes": [c._asdict() | {"pairs": c.pairs._asdict()} for c in figures.classes],
            "flips": [flip._asdict() for flip in figures.flips],
        }


def judge(measured: Sequence[tuple[str, tuple[str, ...], Figures]]) -> list[Difference]:
    """Return a verdict on each of the experiments that were measured: name, notes, figures."""
    changed = [figures for _, _, figures in measured if figures.flips]
    adjusted = iter(holm([figures.p for figures in changed]))
    judged = []
    for name, notes, figures in measured:
        p = next(adjusted) if figures.flips else None
        judged.append(Difference(name, verdict(figures, p), notes, figures, p))
    return judged


def verdict(figures: Figures, p: float | None) -> Verdict:
    """Return the verdict, given the corrected p-value, None if no prediction changed."""
    if p is None:
        return "unchanged"
    if p > SIGNIFICANT:
        return "cannot tell"
    return "better" if figures.pairs.gained > figures.pairs.lost else "worse"
