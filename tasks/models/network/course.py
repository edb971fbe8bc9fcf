"""The course of a training: epochs at rising resolutions, watched on val.

Each epoch is one `fit` over batches that depend on nothing but seed and epoch, so a run
has no hidden state beside the weights and the optimiser.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from tasks.images.decode import resize
from tasks.images.samples import Rows
from tasks.models.network.batches import Watched
from tasks.models.network.checkpoint import Checkpoint, Standing, Weights
from tasks.models.network.feeding import taught
from tasks.models.network.objective import targets
from tasks.params import Augment, Network
from tasks.stage import StageError, progress


class Phase(NamedTuple):
    """Some epochs at one resolution."""

    first: int  # counted from 0
    last: int  # one past the end
    size: tuple[int, int]  # height and width that the network sees
    source: tuple[int, int]  # and that augmentation reads


def phases(params: Network, prepared: tuple[int, int]) -> list[Phase]:
    """Lay the resolutions out over the epochs; short runs may skip some."""
    if not params.resolutions:
        return [Phase(0, params.epochs, prepared, prepared)]
    starts = [round(r.start * params.epochs) for r in params.resolutions] + [params.epochs]
    return [
        Phase(first, last, (r.size, r.size), (r.source, r.source))
        for r, first, last in zip(params.resolutions, starts[:-1], starts[1:], strict=True)
        if first < last
    ]


def course(
    model: keras.Model,
    train: Rows,
    val: Rows,
    params: Network,
    changes: Augment,
    checkpoint: Checkpoint,
) -> tuple[list[list[float]], Weights]:
    """Run the epochs that are left; return the table of all and the weights to keep."""
    standing = checkpoint.restore(model)
    rows = epochs(model, train, val, params, changes, first=len(standing.table))
    while not is_over(standing, params) and (row := next(rows, None)):
        standing = after(standing, row, model, params)
        checkpoint.save(model, standing)
    if standing.waited and is_over(standing, params):
        print(f"stopped: no better than {standing.waited} epochs ago", flush=True)
    return standing.table, standing.kept or standing.mean or model.get_weights()


def is_over(standing: Standing, params: Network) -> bool:
    """Say whether val has not improved for so long that nothing more is expected."""
    stopping = params.early_stopping
    return stopping is not None and standing.waited >= stopping.patience


def after(
    standing: Standing, row: dict[str, float], model: keras.Model, params: Network
) -> Standing:
    """Return where a training stands after one more epoch."""
    by_accuracy = params.early_stopping and params.early_stopping.monitor == "val_accuracy"
    watched = -row["val_accuracy"] if by_accuracy else row["val_loss"]
    better = watched < standing.best
    mean, kept = None, standing.kept
    if params.weight_averaging:
        mean = averaged(standing.mean, model.get_weights(), params.weight_averaging)
    if params.keep == "best" and better:
        kept = mean or model.get_weights()
    return Standing(
        table=[*standing.table, list(row.values())],
        best=watched if better else standing.best,
        waited=0 if better else standing.waited + 1,
        mean=mean,
        kept=kept,
    )


def averaged(mean: Weights | None, weights: Weights, momentum: float) -> Weights:
    """Move the running mean of the weights towards those of one more epoch."""
    if mean is None:
        return weights
    return [
        np.float32(momentum) * m + np.float32(1 - momentum) * w
        for m, w in zip(mean, weights, strict=True)
    ]


def epochs(
    model: keras.Model, train: Rows, val: Rows, params: Network, changes: Augment, *, first: int
) -> Iterator[dict[str, float]]:
    """Train epoch after epoch from `first`, yielding a row of the table for each.

    Raises:
        StageError: if the loss is not finite.
    """
    goals = targets(train.labels, len(train.classes), params.head)
    val_goals = targets(val.labels, len(val.classes), params.head)
    with progress("epochs", params.epochs - first) as advance:
        for phase in phases(params, train.images.shape[1:3]):
            if phase.last <= first:
                continue
            rows, watched = at(train, phase.source), Watched(at(val, phase.size), val_goals)
            numbers = range(max(first, phase.first), phase.last)
            learner, lessons = taught(
                model, rows, goals, train.index, params, changes, numbers, phase.size
            )
            for number, batches in zip(numbers, lessons, strict=True):
                seen = learner.fit(batches, shuffle=False, verbose=0).history
                scored = model.evaluate(watched, verbose=0, return_dict=True)
                yield told(row_of(number, phase, model, seen, scored), params.epochs)
                advance(1)


def at(rows: Rows, size: tuple[int, int]) -> Rows:
    """Return some rows with images of one size: those on disk, if they have it, or in memory."""
    if rows.images.shape[1:3] == size:
        return rows
    images = np.empty((len(rows), *size, rows.images.shape[3]), np.uint8)
    for image, row in zip(images, rows.index, strict=True):
        image[:] = resize(rows.images[row], *size)
    return replace(rows, images=images, index=np.arange(len(rows)))


def row_of(
    number: int, phase: Phase, model: keras.Model, seen: dict[str, list[float]],
    scored: dict[str, float],
) -> dict[str, float]:  # fmt: skip
    """Return the row of the table for one epoch.

    Raises:
        StageError: if the loss is not finite.
    """
    row = {
        "epoch": number + 1,
        "size": phase.size[0],
        "learning_rate": rounded(float(ops.convert_to_numpy(model.optimizer.learning_rate))),
        "train_loss": rounded(seen["loss"][-1]),
        "train_accuracy": rounded(seen["accuracy"][-1]),
        "val_loss": rounded(scored["loss"]),
        "val_accuracy": rounded(scored["accuracy"]),
    }
    if not math.isfinite(row["train_loss"]) or not math.isfinite(row["val_loss"]):
        raise StageError(
            f"the loss is not finite in epoch {number + 1}: expected a number, got train "
            f"{row['train_loss']}, val {row['val_loss']}. Lower optimizer.learning_rate in "
            "params.yaml, or train with precision float32."
        )
    return row


def rounded(value: float) -> float:
    """Return a value with six digits after the point, as the tables show it."""
    return round(float(value), 6)


def told(row: dict[str, float], epochs: int) -> dict[str, float]:
    """Print the row of an epoch for the log and return it."""
    print(
        f"epoch {row['epoch']}/{epochs} at {row['size']} px: "
        f"train loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.4f}, "
        f"val loss {row['val_loss']:.4f} accuracy {row['val_accuracy']:.4f}",
        flush=True,
    )
    return row
