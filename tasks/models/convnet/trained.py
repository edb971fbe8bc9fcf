"""A trained convnet as a classifier, and the file that it lies in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float32, UInt8

from tasks.models.convnet import arrays, course, device, scoring
from tasks.models.convnet.net import Frozen, Statistics, Weights
from tasks.models.recipe import Recipe, read_recipe
from tasks.params import Convnet

MODEL = "model.npz"
PIECE = 10_000  # images that are brought to the device at a time


class Model(NamedTuple):
    """All arrays of a model, on the device."""

    frozen: Frozen
    weights: Weights
    statistics: Statistics


@dataclass(frozen=True)
class ConvnetClassifier:
    """The trained model; see `Classifier`."""

    recipe: Recipe
    model: Model
    device: Any
    learned_by_heart: bool = False

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return the softmax of the mean of the logits over all views of each image."""
        params = self.recipe.train
        assert isinstance(params, Convnet)  # noqa: S101 (narrows the type)
        pieces = [images[start : start + PIECE] for start in range(0, len(images), PIECE)]
        with jax.default_device(self.device):
            return np.concatenate([self.of_piece(piece, params) for piece in pieces])

    def of_piece(
        self, images: UInt8[np.ndarray, "n h w c"], params: Convnet
    ) -> Float32[np.ndarray, "n k"]:
        """Do so for as many images as are brought to the device at a time."""
        dtype, views = device.precision(params), params.test_time
        on_device = jax.device_put(images, self.device)
        logits = scoring.compiled(*self.model, on_device, unseeded(params), dtype, views)
        return np.asarray(jax.nn.softmax(logits), np.float32)


def unseeded(params: Convnet) -> Convnet:
    """Return parameters that are the same for every seed, so that one program serves all."""
    return params.model_copy(update={"seed": 0})


def form(params: Convnet, channels: int, classes: int) -> Model:
    """Return a model with the arrays that a file has, but other numbers in them."""
    state, side = course.begin(params, channels, classes), params.whitening.patch
    vector = np.zeros(channels, np.float32)
    kernel = np.zeros((side, side, channels, len(state.weights.whitening_bias)), np.float32)
    return Model(Frozen(vector, vector, kernel), state.weights, state.statistics)


def load(folder: Path, threads: int) -> ConvnetClassifier:
    """Load a model that `training.fit` wrote."""
    recipe = read_recipe(folder)
    assert isinstance(recipe.train, Convnet)  # noqa: S101 (narrows the type)
    wanted = "cpu" if recipe.train.device == "cpu" else "auto"
    chosen = device.set_up(recipe.train.model_copy(update={"device": wanted}), threads)
    like = form(recipe.train, recipe.prepare.channels, len(recipe.classes))
    with np.load(folder / MODEL) as file:
        model = arrays.load(dict(file), like)
    return ConvnetClassifier(recipe, jax.device_put(model, chosen), chosen)
