"""What a classifier's probabilities are worth, as plain numbers.

Labels are int64 (n,) in 0..k-1, probabilities float32 (n, k) with rows summing to 1. All
functions take whole test sets; none has state.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from tasks.measures.statistics import wilson_interval

Labels = Int64[np.ndarray, "n"]
Probabilities = Float32[np.ndarray, "n k"]
LEAST = 1e-6  # a probability of 0 would make the log loss infinite


def confusion(labels: Labels, predicted: Labels, classes: int) -> Int64[np.ndarray, "k k"]:
    """Count images by actual class (row) and predicted class (column)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean of -log of the probability of the right class, in nats."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(right, LEAST, 1.0)).mean())


def precision(counts: Int64[np.ndarray, "k k"]) -> Float64[np.ndarray, "k"]:
    """Return the share of right ones among those predicted as each class; 0 if none was."""
    return np.diag(counts) / np.maximum(counts.sum(axis=0), 1)


def recall(counts: Int64[np.ndarray, "k k"]) -> Float64[np.ndarray, "k"]:
    """Return the share of each class that was found; NaN if no image is of the class."""
    there = counts.sum(axis=1)
    return np.where(there > 0, np.diag(counts) / np.maximum(there, 1), np.nan)


def macro_f1(counts: Int64[np.ndarray, "k k"]) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall.

    A class that no image is of, and that none was taken for, is left out; one that is only
    predicted counts as 0.
    """
    met = counts.sum(axis=1) + counts.sum(axis=0)
    return float(np.mean(2 * np.diag(counts)[met > 0] / met[met > 0]))


class Bin(NamedTuple):
    """Predictions of about the same confidence."""

    low: float
    high: float
    confidence: float  # mean probability of the predicted class
    accuracy: float
    n: int


def calibration(labels: Labels, probabilities: Probabilities, bins: int) -> list[Bin]:
    """Return how often predictions of each confidence are right; empty bins are left out.

    Bins have equal width and include their upper end.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        Bin(
            low=b / bins,
            high=(b + 1) / bins,
            confidence=float(confidence[which == b].mean()),
            accuracy=float(right[which == b].mean()),
            n=int((which == b).sum()),
        )
        for b in range(bins)
        if (which == b).any()
    ]


def expected_calibration_error(table: list[Bin]) -> float:
    """Return the mean distance of confidence and accuracy, weighted by bin.

    Naeini et al. 2015, https://doi.org/10.1609/aaai.v29i1.9602.
    """
    total = sum(b.n for b in table)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in table) / total


def score(
    labels: Labels, probabilities: Probabilities, classes: list[str], bins: int
) -> dict[str, float]:
    """Return all metrics of a test set, flat; values have six digits.

    A class without test images has no recall: there is no such metric, and it does not count in
    the balanced accuracy.
    """
    predicted = probabilities.argmax(axis=1)
    counts = confusion(labels, predicted, len(classes))
    found = recall(counts)
    right = int((predicted == labels).sum())
    low, high = wilson_interval(right, len(labels))
    table = calibration(labels, probabilities, bins)
    metrics = {
        "accuracy": right / len(labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "balanced_accuracy": float(found[~np.isnan(found)].mean()),
        "expected_calibration_error": expected_calibration_error(table),
        "log_loss": log_loss(labels, probabilities),
        "macro_f1": macro_f1(counts),
        "n": len(labels),
    }
    for i, name in enumerate(classes):
        metrics[f"precision.{name}"] = float(precision(counts)[i])
        if not np.isnan(found[i]):
            metrics[f"recall.{name}"] = float(found[i])
    return {name: round(value, 6) for name, value in metrics.items()}


def without(
    labels: Labels, probabilities: Probabilities, leaked: Bool[np.ndarray, "n"]
) -> dict[str, float]:
    """Return the accuracy without the test images that a model has seen a copy of, and on them.

    Returns:
        `leaked` counts them; the accuracy without them comes with its interval. An accuracy on
        no image is left out.
    """
    right = probabilities.argmax(axis=1) == labels
    metrics: dict[str, float] = {}
    if leaked.any():
        metrics["leaked_accuracy"] = float(right[leaked].mean())
    if not leaked.all():
        clean = right[~leaked]
        low, high = wilson_interval(int(clean.sum()), len(clean))
        metrics["unleaked_accuracy"] = float(clean.mean())
        metrics |= {"unleaked_accuracy_low": low, "unleaked_accuracy_high": high}
    metrics["leaked"] = int(leaked.sum())
    return {name: round(value, 6) for name, value in metrics.items()}
