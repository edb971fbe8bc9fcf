"""A trained perceptron as a classifier, and the file that it lies in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from threadpoolctl import threadpool_limits

from tasks.models.perceptron.checkpoint import layers_of, named
from tasks.models.perceptron.layers import Layer, outputs
from tasks.models.perceptron.lessons import Scaling
from tasks.models.recipe import Recipe, read_recipe
from tasks.models.softmax import softmax
from tasks.stage import replacing

MODEL = "model.npz"
BATCH = 1000  # images that are classified at a time


@dataclass(frozen=True)
class PerceptronClassifier:
    """The trained model; see `Classifier`."""

    recipe: Recipe
    layers: list[Layer]
    scaled: Scaling
    threads: int
    learned_by_heart: bool = False

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return the softmax of what the last layer gives."""
        with threadpool_limits(self.threads, "blas"):
            batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
            return np.concatenate(
                [softmax(outputs(self.layers, self.scaled(batch))[-1]) for batch in batches]
            )


def save(folder: Path, layers: list[Layer], scaled: Scaling) -> None:
    """Write the arrays of a model: an `.npz` file has constant times and no compression."""
    arrays: dict[str, Any] = {**named("layer", layers), **scaled._asdict()}
    with replacing(folder / MODEL) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load(folder: Path, threads: int) -> PerceptronClassifier:
    """Load a model that `training.fit` wrote."""
    with np.load(folder / MODEL) as file:
        saved = dict(file)
    scaled = Scaling(saved["factor"], saved["summand"])
    return PerceptronClassifier(read_recipe(folder), layers_of("layer", saved), scaled, threads)
