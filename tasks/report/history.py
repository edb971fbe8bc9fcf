"""What a training history tells: the course of a loss, or the table of folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tasks.report.tables import Row

RISEN = 1.05  # a validation loss this many times its lowest value has turned
RUN_OUT = 0.1  # below this share of its peak the learning rate changes little any more

Setting = tuple[str, str]  # metric and k


@dataclass(frozen=True)
class Course:
    """The course of the validation loss, and of both accuracies.

    Attributes:
        epoch: with the lowest validation loss, counted from 1.
        epochs: how many there were.
        lowest: the lowest validation loss.
        final: the validation loss of the last epoch.
        accuracy_then: on val, at the lowest loss.
        accuracy_final: on val, in the last epoch.
        train_final: accuracy on train in the last epoch, as measured while learning.
        rate_left: the last learning rate as a share of the highest.
    """

    epoch: int
    epochs: int
    lowest: float
    final: float
    accuracy_then: float
    accuracy_final: float
    train_final: float
    rate_left: float

    @property
    def turned(self) -> bool:
        """Whether the validation loss rose again."""
        return self.final > RISEN * self.lowest

    @property
    def unfinished(self) -> bool:
        """Whether the last epoch was the best and the learning rate had not run out."""
        return self.epoch == self.epochs and self.rate_left > RUN_OUT


def read_course(history: Sequence[Row]) -> Course | None:
    """Return the course of a network's training; None without a history."""
    if not history:
        return None
    best = min(history, key=lambda row: float(row["val_loss"]))
    last = history[-1]
    return Course(
        epoch=int(best["epoch"]),
        epochs=int(last["epoch"]),
        lowest=float(best["val_loss"]),
        final=float(last["val_loss"]),
        accuracy_then=float(best["val_accuracy"]),
        accuracy_final=float(last["val_accuracy"]),
        train_final=float(last["train_accuracy"]),
        rate_left=float(last["learning_rate"])
        / max(float(row["learning_rate"]) for row in history),
    )


def accuracies(history: Sequence[Row]) -> dict[Setting, list[float]]:
    """Return the accuracy on each fold of each metric and k."""
    folds: dict[Setting, list[float]] = {}
    for row in history:
        folds.setdefault((row["metric"], row["k"]), []).append(float(row["accuracy"]))
    return folds


def best_setting(folds: dict[Setting, list[float]]) -> Setting:
    """Return the setting of the best mean; the smaller k in a tie, as `train` chooses."""
    return max(folds, key=lambda setting: (fmean(folds[setting]), -int(setting[1])))
