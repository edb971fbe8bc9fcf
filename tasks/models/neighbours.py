"""k nearest neighbours: the training images are the model.

"Training" chooses the metric and k by cross-validation on the training rows; the chosen
setting then looks among the rows of train and val together, because nothing was fitted
that val would have to guard. Folds are assigned by content, so copies of one picture
never vote for each other. Votes that tie go to the smallest label.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from tasks.images.samples import Rows, position
from tasks.models.distances import Metric, nearest
from tasks.models.history import History
from tasks.models.recipe import Recipe, read_recipe, write_recipe
from tasks.params import Neighbours, Prepare
from tasks.stage import StageError, written

IMAGES, LABELS = "images.npy", "labels.npy"


@dataclass(frozen=True)
class NearestNeighbours:
    """The trained model.

    Attributes:
        images: uint8 (n, h, w, c), memory-mapped.
        labels: int64 (n,).
    """

    recipe: Recipe
    images: np.ndarray
    labels: np.ndarray
    learned_by_heart: bool = True

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return the share of the votes that each class gets."""
        k = self.recipe.k or 1
        _, positions = self.neighbours(images, k)
        return votes(self.labels[positions], k, len(self.recipe.classes))

    def neighbours(
        self, images: UInt8[np.ndarray, "n h w c"], k: int
    ) -> tuple[Int64[np.ndarray, "n k"], Int64[np.ndarray, "n k"]]:
        """Return distances (L2 squared) and positions of the k nearest training images."""
        metric: Metric = "L1" if self.recipe.metric == "L1" else "L2"
        return nearest(flat(images), flat(self.images), k, metric)


def flat(images: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n d"]:
    """Return images as vectors."""
    return np.asarray(images).reshape(len(images), -1)


def votes(
    labels: Int64[np.ndarray, "n m"], k: int, classes: int
) -> Float32[np.ndarray, "n classes"]:
    """Return how the first k of m ordered neighbours vote, as shares."""
    counts = np.zeros((len(labels), classes), np.int64)
    np.add.at(counts, (np.arange(len(labels))[:, None], labels[:, :k]), 1)
    return (counts / k).astype(np.float32)


def fold_of(digest: str, params: Neighbours) -> int:
    """Return the fold of a picture; independent of its split, which hashes the digest alone."""
    return int(position(params.seed, f"fold of {digest}") * params.folds)


def cross_validation(
    rows: Rows, params: Neighbours, scratch: Path
) -> Iterator[tuple[Metric, int, int, float]]:
    """Yield (metric, k, fold, accuracy) for every setting; one search serves every k.

    A finished search leaves its accuracies in `scratch`, and is not made again.

    Raises:
        StageError: if a fold is empty or has too few rows to vote.
    """
    folds = np.array([fold_of(digest, params) for digest in rows.digests])
    images = flat(rows.pixels())
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
                _, positions = nearest(images[held], images[rest], max(params.ks), metric)
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
    train: Rows, val: Rows, params: Neighbours, prepare: Prepare, folder: Path, scratch: Path
) -> History:
    """Choose the setting, write the model into an empty folder, return the table of folds."""
    table = sorted(cross_validation(train, params, scratch))
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


def load(folder: Path) -> NearestNeighbours:
    """Load a model that `fit` wrote."""
    return NearestNeighbours(
        recipe=read_recipe(folder),
        images=np.load(folder / IMAGES, mmap_mode="r"),
        labels=np.load(folder / LABELS),
    )
