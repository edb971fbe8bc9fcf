"""What the layers compute, and how the loss changes with their weights."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

Batch = Float[np.ndarray, "b _"]  # computed in whatever its numbers are


class Layer(NamedTuple):
    """Weights of one layer, or anything of their shape."""

    matrix: Float32[np.ndarray, "taken given"]
    bias: Float32[np.ndarray, "given"]


def begin(seed: int, sizes: list[int]) -> list[Layer]:
    """Draw first weights: each unit gives about as much variance as it takes.

    A ReLU halves the variance, so the layers before one begin with twice as much (He et al.
    2015, "Delving Deep into Rectifiers", https://arxiv.org/abs/1502.01852).

    Args:
        seed: of the training.
        sizes: what the first layer takes, then what each layer gives.
    """
    random, layers = np.random.default_rng(seed), []
    for at, (taken, given) in enumerate(pairwise(sizes), start=1):
        gain = 1 if at == len(sizes) - 1 else 2
        matrix = random.normal(0, (gain / taken) ** 0.5, (taken, given)).astype(np.float32)
        layers.append(Layer(matrix, np.zeros(given, np.float32)))
    return layers


def outputs(layers: list[Layer], inputs: Batch) -> list[Batch]:
    """Return what each layer takes, and at the end the logits."""
    taken = [inputs]
    for matrix, bias in layers[:-1]:
        sums = taken[-1] @ matrix
        sums += bias
        taken.append(np.maximum(sums, 0, out=sums))
    return [*taken, taken[-1] @ layers[-1].matrix + layers[-1].bias]


def gradients(layers: list[Layer], taken: list[Batch], slope: Batch) -> list[Layer]:
    """Return how the loss changes with the weights of each layer.

    Args:
        layers: as they are.
        taken: what each layer took.
        slope: how the loss changes with the logits.
    """
    found = [Layer(taken[-1].T @ slope, slope.sum(axis=0))]
    for after, inputs, given in zip(layers[:0:-1], taken[-2::-1], taken[:0:-1], strict=True):
        slope = slope @ after.matrix.T
        slope *= given > 0
        found.append(Layer(inputs.T @ slope, slope.sum(axis=0)))
    return found[::-1]
