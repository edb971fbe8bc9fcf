"""What models say of pictures that they never learned: every row of train and val, by folds.

Folds are assigned by content, so equal pictures never speak for each other. A finished
fold is kept until all are, so that a run that was killed goes on with the one that it was at.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from tasks.images.samples import Rows, position
from tasks.models.fitting import fit
from tasks.models.loading import load_classifier
from tasks.params import Experiment, Params
from tasks.stage import StageError, remove, replacing


def some(rows: Rows, which: Bool[np.ndarray, "n"]) -> Rows:
    """Return some of the rows."""
    chosen = np.flatnonzero(which)
    return replace(
        rows,
        index=rows.index[chosen],
        labels=rows.labels[chosen],
        ids=[rows.ids[i] for i in chosen.tolist()],
        digests=[rows.digests[i] for i in chosen.tolist()],
    )


def together(first: Rows, second: Rows) -> Rows:
    """Return the rows of both, in the order of the dataset."""
    index = np.concatenate([first.index, second.index])
    order = np.argsort(index)
    ids, digests = [*first.ids, *second.ids], [*first.digests, *second.digests]
    return replace(
        first,
        index=index[order],
        labels=np.concatenate([first.labels, second.labels])[order],
        ids=[ids[i] for i in order],
        digests=[digests[i] for i in order],
    )


def in_fold(rows: Rows, seed: int, folds: int, fold: int) -> Bool[np.ndarray, "n"]:
    """Say which rows are held out in a fold, 0..folds-1."""
    at = [int(position(seed, f"fold of labels of {digest}") * folds) for digest in rows.digests]
    return np.array(at) == fold


def out_of_fold(
    train: Rows, val: Rows, experiment: Experiment, params: Params, folds: int, scratch: Path
) -> Float32[np.ndarray, "n k"]:
    """Return the probabilities of the rows of train and val together, as `together` has them.

    Each is by a model that learned the recipe from the other folds of train and watched those
    of val.

    Raises:
        StageError: if a fold leaves a part of the data empty.
    """
    rows = together(train, val)
    said = np.zeros((len(rows), len(rows.classes)), np.float32)
    for fold in range(folds):
        held = in_fold(rows, experiment.train.seed, folds, fold)
        learned, watched = (
            some(part, ~in_fold(part, experiment.train.seed, folds, fold)) for part in (train, val)
        )
        if not (held.any() and len(learned) and len(watched)):
            raise StageError(
                f"fold {fold + 1} of {folds} leaves {len(learned)} rows to learn from, "
                f"{len(watched)} to watch and {int(held.sum())} to judge: expected some of each. "
                "Ask for another number of --folds, or add pictures."
            )
        finished = scratch / f"fold-{fold + 1}-of-{folds}.npy"
        if not finished.exists():
            folder = scratch / "model"
            remove(folder)
            folder.mkdir(parents=True)
            fit(learned, watched, experiment, params, folder, scratch / f"training-{fold + 1}")
            model = load_classifier(folder, threads=params.threads, memory_mib=params.memory_mib)
            pieces = rows.pieces(np.flatnonzero(held))
            probabilities = np.concatenate([model.probabilities(images) for images in pieces])
            with replacing(finished) as part, part.open("wb") as file:
                np.save(file, probabilities)
        said[held] = np.load(finished)
    return said
