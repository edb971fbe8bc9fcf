"""Which labels are likely wrong, by what models say that never learned them: confident learning.

A label is suspicious where another class is as probable as that class usually is where it is
given. Each class has a threshold of its own, so that one that the model is shy about is not
blamed for it (Northcutt, Jiang and Chuang 2021, https://doi.org/10.1613/jair.1.12125).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64


class Suspicion(NamedTuple):
    """What speaks against the labels, a row each.

    Attributes:
        suspicious: whether another class is confidently the right one.
        suggested: that class; the most probable other one where none is.
        margin: probability of the label minus that of the most probable other class, -1..1.
    """

    suspicious: Bool[np.ndarray, "n"]
    suggested: Int64[np.ndarray, "n"]
    margin: Float64[np.ndarray, "n"]


def thresholds(
    labels: Int64[np.ndarray, "n"], probabilities: Float32[np.ndarray, "n k"]
) -> Float64[np.ndarray, "k"]:
    """Return the mean probability of each class where it is the label; 1 for one without rows."""
    found = np.ones(probabilities.shape[1])
    for label in np.unique(labels):
        found[label] = probabilities[labels == label, label].mean(dtype=np.float64)
    return found


def suspect(labels: Int64[np.ndarray, "n"], probabilities: Float32[np.ndarray, "n k"]) -> Suspicion:
    """Find labels that are likely wrong.

    Args:
        labels: as they are given.
        probabilities: of models that did not learn from the row.
    """
    rows = np.arange(len(labels))
    others = probabilities.astype(np.float64)
    of_label = others[rows, labels]
    confident = others >= thresholds(labels, probabilities) - 1e-6  # float32 means round
    others[rows, labels] = -1.0
    likeliest = others.argmax(axis=1)
    among = np.where(confident, others, -1.0)
    sure = (among.max(axis=1) >= 0) & (among.max(axis=1) > of_label * confident[rows, labels])
    suggested = np.where(sure, among.argmax(axis=1), likeliest)
    return Suspicion(sure, suggested, of_label - others[rows, likeliest])


def ranked(suspicion: Suspicion, most: int) -> Int64[np.ndarray, "m"]:
    """Return the suspicious rows, those first where the label has least on its side."""
    order = np.argsort(suspicion.margin, kind="stable")
    return order[suspicion.suspicious[order]][:most]
