"""How long a model takes for one picture, on the machine at hand."""

import time
from statistics import median

from jaxtyping import UInt8
from numpy import ndarray

from tasks.models.classifier import Classifier

WARM_UP = 3
TIMED = 21


def latency_ms(classifier: Classifier, images: UInt8[ndarray, "n h w c"]) -> float:
    """Return the median time for a single picture in milliseconds, decoding left out.

    Args:
        classifier: the model, loaded.
        images: at least one; they take turns.
    """
    taken = []
    for i in range(WARM_UP + TIMED):
        one = images[i % len(images)][None]
        started = time.perf_counter()
        classifier.probabilities(one)
        taken.append(1000 * (time.perf_counter() - started))
    return median(taken[WARM_UP:])
