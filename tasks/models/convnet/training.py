"""Train a convnet epoch by epoch, and write it as a self-contained model folder."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from tasks.images.samples import Rows
from tasks.models.convnet import arrays, course, draws, net, scoring
from tasks.models.convnet import device as devices
from tasks.models.convnet.checkpoint import Checkpoint
from tasks.models.convnet.course import Data, State
from tasks.models.convnet.net import Frozen
from tasks.models.convnet.trained import MODEL, Model, unseeded
from tasks.models.history import EPOCHS, History, told
from tasks.models.recipe import Recipe, write_recipe
from tasks.params import Augment, Convnet, Prepare
from tasks.stage import progress

REMEDY = "Lower the rates of sgd and muon in params.yaml."  # if the loss is not finite


def fit(
    train: Rows, val: Rows, params: Convnet, changes: Augment, prepare: Prepare, threads: int,
    folder: Path, scratch: Path,
) -> History:  # fmt: skip
    """Train, write the model into an empty folder, return the table of epochs.

    Args:
        train: what is learned from.
        val: what is watched.
        params: of the training.
        changes: what augmentation may do.
        prepare: how the pictures were prepared; a model tells it to those who use it.
        threads: of one operation on a CPU.
        folder: where the model goes.
        scratch: where the training finds and leaves how far it got.

    Raises:
        StageError: if images are too small or augmentation needs interpolation, the loss is not
            finite, or a GPU is asked for and missing.
    """
    net.check(params, train.images.shape[1:])
    draws.check(changes)
    device = devices.set_up(params, threads)
    with jax.default_device(device):
        data = on_device(train, device)
        frozen = course.compiled_measure(data.images, unseeded(params))
        channels, classes = train.images.shape[3], len(train.classes)
        state = course.begin(params, channels, classes)
        checkpoint = Checkpoint(scratch)
        state, table = checkpoint.restore(state)
        run = Run(data, on_device(val, device), frozen, train.index, params, changes)
        with progress("epochs", params.epochs - len(table)) as advance:
            for epoch in range(len(table), params.epochs):
                state, row = run.epoch(jax.device_put(state, device), epoch)
                table = [*table, row]
                checkpoint.save(state, table)
                advance(1)
        arrays.save(folder / MODEL, Model(frozen, state.weights, state.statistics))
    write_recipe(folder, Recipe(classes=train.classes, prepare=prepare, train=params))
    return History(EPOCHS, [list(row) for row in table])


def on_device(rows: Rows, device: Any) -> Data:  # noqa: ANN401 (a device of JAX)
    """Bring images and labels to where they are learned from."""
    return jax.device_put(Data(rows.pixels(), rows.labels.astype(np.int32)), device)


class Run(NamedTuple):
    """One training, epoch by epoch.

    Attributes:
        data: what is learned from.
        val: what is watched.
        frozen: whitening.
        positions: which row of the dataset each image is.
        params: of the training.
        changes: what augmentation may do.
    """

    data: Data
    val: Data
    frozen: Frozen
    positions: np.ndarray
    params: Convnet
    changes: Augment

    def epoch(self, state: State, epoch: int) -> tuple[State, list[float]]:
        """Train for one epoch; return the state after it and its row of the table.

        Raises:
            StageError: if the loss is not finite.
        """
        params, dtype = unseeded(self.params), devices.precision(self.params)
        drawn = draws.draw(
            self.changes,
            self.params.seed,
            epoch,
            epoch + 1,
            self.positions,
            self.data.images.shape[1:],
        )
        state, seen = course.compiled_epochs(
            state, self.data, self.frozen, drawn, params, self.changes, dtype
        )
        logits = scoring.compiled(
            self.frozen, state.weights, state.statistics, self.val.images, params, dtype, None
        )
        loss = course.cross_entropy(logits, self.val.labels, params.label_smoothing).mean()
        accuracy = (logits.argmax(axis=1) == self.val.labels).mean()
        steps = course.steps_of(self.data, params)
        rate = params.muon.learning_rate * (1.0 - (int(state.step) - 1) / (params.epochs * steps))
        numbers = [rate, seen.loss[0], seen.accuracy[0], loss, accuracy]
        return state, told([epoch + 1, *numbers], params.epochs, REMEDY)
