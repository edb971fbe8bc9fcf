"""The course of a training: one step after the other, down the slope of the loss."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from tasks.models.perceptron.layers import Batch, Layer, gradients, outputs
from tasks.models.softmax import softmax
from tasks.params import Perceptron


@dataclass(frozen=True)
class State:
    """What one step hands to the next.

    Attributes:
        layers: the weights; a step changes them in place.
        speeds: how far the last step moved them, likewise.
    """

    layers: list[Layer]
    speeds: list[Layer]


def at_rest(layers: list[Layer]) -> State:
    """Return the state before the first step."""
    return State(layers, [Layer(*map(np.zeros_like, layer)) for layer in layers])


def rate(step: int, steps: int, params: Perceptron) -> float:
    """Return the learning rate of a step: it rises along a line, then falls along one."""
    rising = params.warmup * steps
    if step + 1 < rising:
        return params.learning_rate * (step + 1) / rising
    done = (step + 1 - rising) / max(steps - rising, 1)
    return params.learning_rate * (1 - (1 - params.final_share) * done)


def goals_of(
    labels: Int64[np.ndarray, "b"], classes: int, smoothing: float
) -> Float32[np.ndarray, "b k"]:
    """Return the probabilities that are to be learned."""
    return np.eye(classes, dtype=np.float32)[labels] * np.float32(1 - smoothing) + np.float32(
        smoothing / classes
    )


def cross_entropy(
    probabilities: Float32[np.ndarray, "b k"], goals: Float32[np.ndarray, "b k"]
) -> float:
    """Return the mean loss in nats."""
    safe = np.maximum(probabilities, np.finfo(np.float32).tiny)
    return -float((goals * np.log(safe)).sum(axis=1).mean())


def step(
    state: State, inputs: Batch, goals: Float32[np.ndarray, "b k"], rate: float, params: Perceptron
) -> Float32[np.ndarray, "b k"]:
    """Learn from one batch; return the probabilities that were said of it before.

    Momentum looks ahead, as Sutskever et al. write Nesterov's ("On the importance of
    initialization and momentum in deep learning", ICML 2013,
    https://proceedings.mlr.press/v28/sutskever13.html).
    """
    *taken, logits = outputs(state.layers, inputs)
    said = softmax(logits)
    slopes = gradients(state.layers, taken, (said - goals) / np.float32(len(goals)))
    momentum, decay = np.float32(params.momentum), np.float32(params.weight_decay)
    for layer, speed, slope in zip(state.layers, state.speeds, slopes, strict=True):
        if decay:
            slope.matrix[:] += decay * layer.matrix
        for weights, moved, change in zip(layer, speed, slope, strict=True):
            change *= np.float32(rate)
            moved *= momentum
            moved -= change
            weights -= change
            weights += momentum * moved
    return said
