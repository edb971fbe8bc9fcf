"""Nearest neighbours as a classifier: they vote, and votes that tie go to the smallest label."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from tasks.models.neighbours.distances import Metric, nearest
from tasks.models.recipe import Recipe, read_recipe

IMAGES, LABELS = "images.npy", "labels.npy"


@dataclass(frozen=True)
class NearestNeighbours:
    """The trained model.

    Attributes:
        images: uint8 (n, h, w, c), memory-mapped.
        labels: int64 (n,).
    """

    recipe: Recipe
    images: np.ndarray
    labels: np.ndarray
    memory_mib: int  # of bounds that a search holds
    learned_by_heart: bool = True

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return the share of the votes that each class gets."""
        k = self.recipe.k or 1
        _, positions = self.neighbours(images, k)
        return votes(self.labels[positions], k, len(self.recipe.classes))

    def neighbours(
        self, images: UInt8[np.ndarray, "n h w c"], k: int
    ) -> tuple[Int64[np.ndarray, "n k"], Int64[np.ndarray, "n k"]]:
        """Return distances (L2 squared) and positions of the k nearest training images."""
        metric: Metric = "L1" if self.recipe.metric == "L1" else "L2"
        return nearest(images, self.images, k, metric, memory_mib=self.memory_mib)


def votes(
    labels: Int64[np.ndarray, "n m"], k: int, classes: int
) -> Float32[np.ndarray, "n classes"]:
    """Return how the first k of m ordered neighbours vote, as shares."""
    counts = np.zeros((len(labels), classes), np.int64)
    np.add.at(counts, (np.arange(len(labels))[:, None], labels[:, :k]), 1)
    return (counts / k).astype(np.float32)


def load(folder: Path, memory_mib: int) -> NearestNeighbours:
    """Load a model that `fit` wrote."""
    return NearestNeighbours(
        recipe=read_recipe(folder),
        images=np.load(folder / IMAGES, mmap_mode="r"),
        labels=np.load(folder / LABELS),
        memory_mib=memory_mib,
    )
