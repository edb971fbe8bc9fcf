"""Train a perceptron, and write it as a self-contained model folder."""

import math
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from tasks.images.samples import Rows
from tasks.images.scaling import scale
from tasks.models.history import EPOCHS, History, told
from tasks.models.perceptron.checkpoint import Checkpoint
from tasks.models.perceptron.course import State, at_rest, cross_entropy, goals_of, rate, step
from tasks.models.perceptron.layers import begin
from tasks.models.perceptron.lessons import Scaling, lessons
from tasks.models.perceptron.trained import PerceptronClassifier, save
from tasks.models.recipe import Recipe, write_recipe
from tasks.params import Augment, Perceptron, Prepare
from tasks.stage import progress

REMEDY = "Lower learning_rate in params.yaml."  # if the loss is not finite


def fit(
    train: Rows, val: Rows, params: Perceptron, changes: Augment, prepare: Prepare, threads: int,
    folder: Path, scratch: Path,
) -> History:  # fmt: skip
    """Train, write the model into an empty folder, return the table of epochs.

    Args:
        train: what is learned from.
        val: what is watched.
        params: of the training.
        changes: what augmentation may do.
        prepare: how the pictures were prepared; a model tells it to those who use it.
        threads: of one matrix product; another number may give other bits.
        folder: where the model goes.
        scratch: where the training finds and leaves how far it got.

    Raises:
        StageError: if the loss is not finite.
    """
    shape, classes = train.images.shape[1:], len(train.classes)
    scaled = Scaling.of_channels(scale(train, params.normalise), shape)
    recipe = Recipe(classes=train.classes, prepare=prepare, train=params)
    checkpoint = Checkpoint(scratch)
    first = begin(params.seed, [math.prod(shape), *params.hidden, classes])
    state, table = checkpoint.restore(at_rest(first))
    model = PerceptronClassifier(recipe, state.layers, scaled, threads)
    with (
        threadpool_limits(threads, "blas"),
        np.errstate(over="ignore", invalid="ignore"),  # the loss tells
        progress("epochs", params.epochs - len(table)) as advance,
    ):
        for epoch in range(len(table), params.epochs):
            seen = learn(state, train, params, changes, epoch, scaled)
            scored = score(model, val, params.label_smoothing)
            table = [*table, told([epoch + 1, *seen, *scored], params.epochs, REMEDY)]
            checkpoint.save(state, table)
            advance(1)
    save(folder, state.layers, scaled)
    write_recipe(folder, recipe)
    return History(EPOCHS, [list(row) for row in table])


def learn(
    state: State, train: Rows, params: Perceptron, changes: Augment, epoch: int, scaled: Scaling
) -> list[float]:
    """Learn for one epoch; return its last learning rate, mean loss and accuracy."""
    steps = len(train) // min(params.batch_size, len(train))
    losses, hits, speed = [], [], 0.0
    batches = lessons(train, params, changes, epoch, scaled)
    for number, (inputs, labels) in enumerate(batches, start=epoch * steps):
        speed = rate(number, params.epochs * steps, params)
        goals = goals_of(labels, len(train.classes), params.label_smoothing)
        said = step(state, inputs, goals, speed, params)
        losses.append(cross_entropy(said, goals))
        hits.append(float((said.argmax(axis=1) == labels).mean()))
    return [speed, float(np.mean(losses)), float(np.mean(hits))]


def score(model: PerceptronClassifier, rows: Rows, smoothing: float) -> list[float]:
    """Return the loss and accuracy on images that are not learned from."""
    said = np.concatenate([model.probabilities(images) for images in rows.pieces()])
    goals = goals_of(rows.labels, said.shape[1], smoothing)
    return [cross_entropy(said, goals), float((said.argmax(axis=1) == rows.labels).mean())]
