"""What a network is to say of its images, and how far it is from that."""

import keras
import numpy as np
from jaxtyping import Float32, Int64
from keras import ops

from tasks.params import Network


def targets(labels: Int64[np.ndarray, "n"], classes: int, head: str) -> Float32[np.ndarray, "n k"]:
    """Return labels as a network learns them: one column per class, or one for the second."""
    if head == "logit":
        return labels[:, None].astype(np.float32)
    return np.eye(classes, dtype=np.float32)[labels]


def compiled(
    model: keras.Model, optimiser: keras.optimizers.Optimizer, params: Network
) -> keras.Model:
    """Say to a model what it learns, and how."""
    jit = keras.backend.backend() == "jax"  # on a CPU, XLA's convolutions are 4 times slower
    model.compile(optimiser, loss(params), metrics=[accuracy], jit_compile=jit)
    return model


def accuracy(goals: object, logits: object) -> object:
    """Score logits against goals; a mixed picture counts for its larger part."""
    if logits.shape[-1] == 1:  # type: ignore[attr-defined]
        return ops.cast(ops.equal(goals > 0.5, logits > 0.0), "float32")[:, 0]  # type: ignore[operator]
    return ops.cast(ops.equal(ops.argmax(goals, -1), ops.argmax(logits, -1)), "float32")


def loss(params: Network) -> keras.losses.Loss:
    """Return the cross-entropy that belongs to the head."""
    smoothing = params.label_smoothing
    if params.head == "logit":
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
