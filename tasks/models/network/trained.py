"""A trained network as a classifier: load it, and average what it says of several views."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import keras
import numpy as np
from jaxtyping import Float32, UInt8

from tasks.images.decode import resize
from tasks.models.network import device
from tasks.models.recipe import Recipe, read_recipe
from tasks.models.softmax import softmax
from tasks.params import Network, TestTime

MODEL = "model.keras"
BATCH = 250  # images that are classified at a time


@dataclass(frozen=True)
class NetworkClassifier:
    """The trained model; see `Classifier`."""

    recipe: Recipe
    model: keras.Model
    learned_by_heart: bool = False

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return the mean of the probabilities over all views of each image."""
        params = self.recipe.train
        assert isinstance(params, Network)  # noqa: S101 (narrows the type)
        batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return np.concatenate([self.of_batch(batch, params) for batch in batches])

    def of_batch(
        self, images: UInt8[np.ndarray, "n h w c"], params: Network
    ) -> Float32[np.ndarray, "n k"]:
        """Do so for a few images."""
        sized = resized(images, params.test_time.size)
        said = [
            probabilities_of(self.model.predict_on_batch(view))
            for view in views(sized, params.test_time)
        ]
        return np.asarray(np.mean(said, axis=0, dtype=np.float32))


def resized(images: UInt8[np.ndarray, "n h w c"], size: int | None) -> UInt8[np.ndarray, "n h w c"]:
    """Return images with `size` pixels a side, or as they are."""
    if size is None:
        return np.asarray(images)
    return np.stack([resize(image, size, size) for image in images])


def views(
    images: UInt8[np.ndarray, "n h w c"], params: TestTime
) -> list[UInt8[np.ndarray, "n h w c"]]:
    """Return the images as they are, shifted, and all of that mirrored."""
    shifts = [(0, 0), *params.shifts]
    mirrors = [False, True] if params.mirror else [False]
    return [shifted(images[:, :, :: -1 if m else 1], s) for m, s in product(mirrors, shifts)]


def shifted(
    images: UInt8[np.ndarray, "n h w c"], by: tuple[int, int]
) -> UInt8[np.ndarray, "n h w c"]:
    """Move images down and right by whole pixels, repeating their edges."""
    height, width = images.shape[1:3]
    rows = np.clip(np.arange(height) - by[0], 0, height - 1)
    columns = np.clip(np.arange(width) - by[1], 0, width - 1)
    return np.ascontiguousarray(images[:, rows][:, :, columns])


def probabilities_of(logits: Float32[np.ndarray, "n outputs"]) -> Float32[np.ndarray, "n k"]:
    """Turn logits into probabilities; a single logit speaks for the second of two classes."""
    logits = np.asarray(logits, np.float32)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    return softmax(logits)


def load(folder: Path, threads: int) -> NetworkClassifier:
    """Load a model that `training.fit` wrote."""
    recipe = read_recipe(folder)
    assert isinstance(recipe.train, Network)  # noqa: S101 (narrows the type)
    chosen = recipe.train.device if recipe.train.device == "cpu" else "auto"
    device.set_up(seed=recipe.train.seed, threads=threads, device=chosen, precision="float32")
    return NetworkClassifier(recipe, keras.saving.load_model(folder / MODEL, compile=False))
