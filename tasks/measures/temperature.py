"""Probabilities that are as sure as they are right: one temperature, fitted on val.

Temperature scaling raises each probability to the power 1/T and divides by the sum (Guo et al.
2017, https://arxiv.org/abs/1706.04599). It keeps the order of the classes, so no prediction
changes, and a single number can hardly learn val by heart.

Shares of votes are 0 where nobody voted, which no power changes. So half a vote is added for
each class first, as Krichevsky and Trofimov estimate chances from counts (1981,
https://doi.org/10.1109/TIT.1981.1056331); then the temperature does the rest.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

LEAST = float(np.finfo(np.float32).tiny)  # what a network's probability of 0 was rounded from
ADDED_VOTES = 0.5
WIDEST = 4.0  # of ln T on either side of 0
GRID = 81  # values of ln T that are tried before the best is refined

Labels = Int64[np.ndarray, "n"]
Logarithms = Float64[np.ndarray, "n k"]


def logarithms(probabilities: Float32[np.ndarray, "n k"], votes: int | None) -> Logarithms:
    """Return finite logarithms of probabilities, each row up to a constant.

    Args:
        probabilities: rows that sum to 1.
        votes: how many neighbours voted if these are shares of votes, otherwise None.
    """
    exact = probabilities.astype(np.float64)
    return np.log(np.maximum(exact, LEAST) if votes is None else votes * exact + ADDED_VOTES)


def fit_temperature(labels: Labels, logs: Logarithms) -> float:
    """Return the temperature that makes the labels likeliest.

    Where val has no mistake, every temperature below another is likelier, down to 0. So ln T
    has a normal prior of mean 0 and deviation 1, which weighs as much as one or two images.

    Returns:
        T: above 1 if the model is too sure of itself, below 1 if it is too modest.
    """
    right = logs[np.arange(len(labels)), labels]

    def surprise(ln_t: float) -> float:
        scale = float(np.exp(-ln_t))
        return float((logsumexp(logs * scale, axis=1) - right * scale).sum()) + ln_t**2 / 2

    tried = np.linspace(-WIDEST, WIDEST, GRID)
    best = tried[int(np.argmin([surprise(ln_t) for ln_t in tried]))]
    step = tried[1] - tried[0]
    found = minimize_scalar(surprise, bounds=(best - step, best + step), method="bounded")
    return float(np.exp(found.x))


def at_temperature(logs: Logarithms, temperature: float) -> Float32[np.ndarray, "n k"]:
    """Return probabilities whose rows sum to 1."""
    scaled = logs / temperature
    return np.exp(scaled - logsumexp(scaled, axis=1, keepdims=True)).astype(np.float32)
