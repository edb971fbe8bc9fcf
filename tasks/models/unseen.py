"""What a model says of the images of val, as if it had never seen them.

A network never learns from val. Nearest neighbours keep it and would find each val image in
themselves, so there an image's own copy, and all others at distance 0, do not vote. That is
leaving one out: the model without an image is not quite the model, so what is fitted to such
answers holds nearly, not exactly (Barber et al. 2021, https://doi.org/10.1214/20-AOS1965).
"""

import numpy as np
from jaxtyping import Float32, UInt8

from tasks.models.classifier import Classifier
from tasks.models.neighbours.trained import NearestNeighbours, votes


def votes_of(classifier: Classifier) -> int | None:
    """Return how many neighbours vote; None if probabilities are no shares of votes."""
    return (classifier.recipe.k or 1) if isinstance(classifier, NearestNeighbours) else None


def probabilities_of_unseen(
    classifier: Classifier, images: UInt8[np.ndarray, "n h w c"]
) -> Float32[np.ndarray, "n k"]:
    """Return a probability per class, rows summing to 1, for pixels in 0..255."""
    if isinstance(classifier, NearestNeighbours):
        return votes_without_copies(classifier, images)
    return classifier.probabilities(images)


def votes_without_copies(
    model: NearestNeighbours, images: UInt8[np.ndarray, "n h w c"]
) -> Float32[np.ndarray, "n k"]:
    """Return the shares of the votes of the k nearest that are no copies of an image."""
    k, most, spare = model.recipe.k or 1, len(model.images), 1
    while True:
        distances, positions = model.neighbours(images, min(k + spare, most))
        copies = (distances == 0).sum(axis=1)
        if copies.max() <= spare or k + spare >= most:
            break
        spare *= 2
    columns = np.minimum(copies[:, None] + np.arange(k), positions.shape[1] - 1)
    near = np.take_along_axis(positions, columns, axis=1)
    return votes(model.labels[near], k, len(model.recipe.classes))
