"""How the batches of epochs reach the backend that trains on them.

Every batch that Keras asks Python for takes the interpreter lock, for which the training
waits between two steps, and wakes threads that compete with its own for the cores. So
TensorFlow gets some batches at a time, made ahead by one thread, and takes them apart itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from jaxtyping import Float32, Int64

from tasks.images.samples import Rows
from tasks.models.network import looks
from tasks.models.network.batches import Block, Epoch
from tasks.models.network.looks import Looks
from tasks.models.network.objective import compiled
from tasks.models.network.on_device import OnDevice
from tasks.params import Augment, Network

AHEAD = 2  # blocks made before they are asked for


def taught(
    model: keras.Model,
    rows: Rows,
    goals: Float32[np.ndarray, "n k"],
    index: Int64[np.ndarray, "n"],
    params: Network,
    changes: Augment,
    epochs: range,
    size: tuple[int, int],
) -> tuple[keras.Model, Iterator[Any]]:
    """Return who is to be fitted, the model or what stands before it, and the batches of epochs.

    The arguments are those of `Epoch`.

    Raises:
        StageError: if the device cannot do what augmentation asks for.
    """
    if params.augment_on == "host":
        host = (Epoch(rows, goals, index, params, changes, epoch=n, size=size) for n in epochs)
        return model, fed(host)
    looks.check(changes)
    pixels = looks.kept(rows)
    learner = OnDevice(model, pixels, size=size, border=changes.border)
    device = (
        Looks(rows, goals, index, params, changes, epoch=n, size=size, send=pixels is None)
        for n in epochs
    )
    return compiled(learner, model.optimizer, params), device


def fed(epochs: Iterator[Epoch]) -> Iterator[Any]:
    """Yield the batches of epochs of one size, in order, as the backend's `fit` likes them.

    What is yielded serves until the next is asked for.
    """
    if keras.backend.backend() != "tensorflow":
        yield from epochs
        return
    stream = None
    for epoch in epochs:
        if stream is None:  # once, for it takes as long as many steps
            stream = streamed(lambda *span: epoch.block(*span), epoch)  # noqa: B023 (the one of then)
        yield stream


def streamed(block: Callable[[int, int], Block], like: Epoch) -> Any:  # noqa: ANN401
    """Return a `tf.data.Dataset` of batches: uint8 (b, h, w, c) and float32 (b, k).

    Args:
        block: makes neighbouring batches, from which to before which.
        like: tells their number and shape.
    """
    import tensorflow as tf

    batch, channels, columns = like.batch_size, like.rows.images.shape[3], like.goals.shape[1]

    def made(span: Any) -> Any:  # noqa: ANN401
        pictures, goals = tf.numpy_function(
            lambda span: block(*span.tolist()), [span], (tf.uint8, tf.float32), stateful=False
        )  # with a state, TensorFlow would take a slower way to each block
        pictures.set_shape((None, batch, *like.size, channels))
        goals.set_shape((None, batch, columns))
        return pictures, goals

    spans = tf.data.Dataset.from_tensor_slices(np.array(list(like.spans())))
    batches = spans.map(made).prefetch(AHEAD).unbatch()
    return batches.apply(tf.data.experimental.assert_cardinality(len(like)))
