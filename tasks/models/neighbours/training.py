"""Choose the metric and k of nearest neighbours, and keep the images that they are.

The choice is made by cross-validation on the training rows; the chosen setting then looks
among the rows of train and val together, because nothing was fitted that val would have
to guard. Folds are assigned by content, so equal pictures never vote for each other.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.images.samples import Rows, position
from tasks.models.history import History
from tasks.models.neighbours.distances import Metric, nearest
from tasks.models.neighbours.trained import IMAGES, LABELS, votes
from tasks.models.recipe import Recipe, write_recipe
from tasks.params import Neighbours, Prepare
from tasks.stage import StageError, written


def fold_of(digest: str, params: Neighbours) -> int:
    """Return the fold of a picture; independent of its split, which hashes the digest alone."""
    return int(position(params.seed, f"fold of {digest}") * params.folds)


def cross_validation(
    rows: Rows, params: Neighbours, memory_mib: int, scratch: Path
) -> Iterator[tuple[Metric, int, int, float]]:
    """Yield (metric, k, fold, accuracy) for every setting; one search serves every k.

    A finished search leaves its accuracies in `scratch`, and is not made again.

    Raises:
        StageError: if a fold is empty or has too few rows to vote.
    """
    folds = np.array([fold_of(digest, params) for digest in rows.digests])
    images = rows.pixels()
    for fold in range(params.folds):
        held, rest = folds == fold, folds != fold
        if not held.any() or rest.sum() < max(params.ks):
            raise StageError(
                f"fold {fold + 1} of {params.folds} leaves {int(rest.sum())} of {len(folds)} rows "
                f"to vote: expected at least {max(params.ks)} and one row held out. Lower k or "
                "folds in params.yaml, or add images."
            )
        for metric in params.metrics:
            finished = scratch / f"{metric}.{fold + 1}.json"
            if not finished.exists():
                _, positions = nearest(
                    images[held], images[rest], max(params.ks), metric, memory_mib=memory_mib
                )
                labels, truth = rows.labels[rest][positions], rows.labels[held]
                predicted = [votes(labels, k, len(rows.classes)).argmax(axis=1) for k in params.ks]
                written(finished, json.dumps([float((p == truth).mean()) for p in predicted]))
            for k, accuracy in zip(params.ks, json.loads(finished.read_text()), strict=True):
                yield metric, k, fold + 1, accuracy


def choose(table: list[tuple[Metric, int, int, float]]) -> tuple[Metric, int, float]:
    """Return the metric and k of the best mean accuracy, and that mean; the smaller k in a tie."""
    means = {
        (metric, k): float(np.mean([row[3] for row in table if row[:2] == (metric, k)]))
        for metric, k, *_ in table
    }
    metric, k = max(means, key=lambda setting: (means[setting], -setting[1]))
    return metric, k, means[metric, k]


def fit(
    train: Rows,
    val: Rows,
    params: Neighbours,
    prepare: Prepare,
    memory_mib: int,
    folder: Path,
    scratch: Path,
) -> History:
    """Choose the setting, write the model into an empty folder, return the table of folds."""
    table = sorted(cross_validation(train, params, memory_mib, scratch))
    metric, k, accuracy = choose(table)
    index = np.sort(np.concatenate([train.index, val.index]))
    labels = np.empty(len(train.images), np.int64)
    labels[train.index], labels[val.index] = train.labels, val.labels
    np.save(folder / IMAGES, train.images[index])
    np.save(folder / LABELS, labels[index])
    write_recipe(
        folder,
        Recipe(
            classes=train.classes,
            prepare=prepare,
            train=params,
            metric=metric,
            k=k,
            cross_validated_accuracy=accuracy,
        ),
    )
    return History(["metric", "k", "fold", "accuracy"], [list(row) for row in table])
