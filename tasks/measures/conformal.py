"""Sets of classes that hold the right one as often as was asked for, on average.

Split conformal prediction (Vovk, Gammerman and Shafer 2005, https://doi.org/10.1007/b106715)
with the rule that gives the smallest sets (Sadinle, Lei and Wasserman 2019,
https://doi.org/10.1080/01621459.2017.1395341): a class belongs to the set if its probability
reaches a threshold, which is the one that enough of the val images reach with their own
class. Nothing is assumed of the model. What is assumed: that a new image comes as the val
images came (they are exchangeable), and that the probabilities were settled before val was
looked at. So the sets are made before the temperature, which is fitted on val.
"""

from fractions import Fraction
from math import ceil

import numpy as np
from jaxtyping import Bool, Float32, Int64
from scipy.special import betaincinv

ONE_IN_FORTY = 0.025


def rank(n: int, coverage: float) -> int:
    """Return how many of n val images must reach the threshold; n + 1 if n are too few."""
    return ceil(Fraction(str(coverage)) * (n + 1))


def threshold(
    labels: Int64[np.ndarray, "n"], probabilities: Float32[np.ndarray, "n k"], coverage: float
) -> float:
    """Return the probability from which on a class belongs to the set; 0 if n are too few.

    Args:
        labels: of val images.
        probabilities: what the model says of them.
        coverage: the share of sets that shall hold the right class, in 0..1.
    """
    right = np.sort(probabilities[np.arange(len(labels)), labels])[::-1]
    at = rank(len(labels), coverage)
    return float(right[at - 1]) if at <= len(right) else 0.0


def sets(probabilities: Float32[np.ndarray, "n k"], least: float) -> Bool[np.ndarray, "n k"]:
    """Return which classes belong to the set of each image.

    The likeliest class always does: that can only raise the coverage, and a person who asks
    gets an answer. So a set is the likeliest classes, as many as it has.
    """
    inside = probabilities >= np.float32(least)
    inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
    return inside


def coverage_by_chance(n: int, coverage: float) -> float:
    """Return what the coverage is at least, in 39 of 40 draws of n val images.

    The coverage of all images to come has a beta distribution over such draws (Vovk 2012,
    https://proceedings.mlr.press/v25/vovk12.html).
    """
    at = rank(n, coverage)
    return float(betaincinv(at, n + 1 - at, ONE_IN_FORTY)) if at <= n else 1.0


def measured_by_chance(n: int, tested: int, coverage: float) -> float:
    """Return the share of so many test images that are covered at least, in 39 of 40 cases.

    It allows for both draws, that of n val images and that of the test images. A share below
    says that the test images did not come as the val images came.
    """
    at = rank(n, coverage)
    if at > n:
        return 1.0
    from scipy.stats import betabinom  # takes most of a second, and who predicts needs it not

    return float(betabinom.ppf(ONE_IN_FORTY, tested, at, n + 1 - at)) / tested
