"""Where a training stands after an epoch, so that it goes on there after it was killed.

Batches depend on seed and epoch alone, so the variables of model and optimiser, the seeds
of dropout among them, are all that one epoch hands to the next. A training that goes on
from here ends with the same bytes as one that was never killed.
"""

import json
import time
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from tasks.stage import replacing

Weights = list[np.ndarray]
FILE = "checkpoint.npz"
COST = 50  # saving takes at most one of so many seconds


@dataclass(frozen=True)
class Standing:
    """What one epoch hands to the next beside the variables.

    Attributes:
        table: a row per epoch.
        best: the least loss on val so far, or the highest accuracy with a minus sign.
        waited: epochs since.
        mean: of the weights of the epochs, if they are averaged.
        kept: the weights of the best epoch, if these are kept.
    """

    table: list[list[float]] = field(default_factory=list)
    best: float = float("inf")
    waited: int = 0
    mean: Weights | None = None
    kept: Weights | None = None


class Checkpoint:
    """The file of one training; see `unfinished` for where its folder lies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.next_save = 0.0  # on the monotonic clock

    def restore(self, model: keras.Model) -> Standing:
        """Set the variables of a compiled model as they were, and return the rest.

        A file that cannot be read, as a failing disk may leave it, is as good as none.
        """
        try:
            with np.load(self.path) as file:
                saved = dict(file)
        except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile):
            return Standing()
        model.optimizer.build(model.trainable_variables)
        for variable, value in zip(variables(model), stored(saved, "variable"), strict=True):
            variable.assign(value)
        standing = Standing(
            **json.loads(str(saved["rest"])),
            mean=stored(saved, "mean") or None,
            kept=stored(saved, "kept") or None,
        )
        print(f"goes on after epoch {len(standing.table)}, where it was ended", flush=True)
        return standing

    def save(self, model: keras.Model, standing: Standing) -> None:
        """Write where the training stands, unless the last time is too short ago."""
        began = time.monotonic()
        if began < self.next_save:
            return
        values = [ops.convert_to_numpy(variable) for variable in variables(model)]
        rest = json.dumps({k: v for k, v in asdict(bare(standing)).items() if v is not None})
        arrays: dict[str, Any] = {
            **numbered("variable", values),
            **numbered("mean", standing.mean or []),
            **numbered("kept", standing.kept or []),
        }
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, rest=np.array(rest), **arrays)
        ended = time.monotonic()
        self.next_save = ended + COST * (ended - began)


def bare(standing: Standing) -> Standing:
    """Return what is no array."""
    return replace(standing, mean=None, kept=None)


def variables(model: keras.Model) -> list[keras.Variable]:
    """Return all that training changes: weights, moments, the seeds of dropout."""
    return [*model.variables, *model.optimizer.variables]


def numbered(name: str, values: Weights) -> dict[str, np.ndarray]:
    """Name arrays by their place."""
    return {f"{name}.{i}": value for i, value in enumerate(values)}


def stored(saved: dict[str, np.ndarray], name: str) -> Weights:
    """Return the arrays that were named so, in order."""
    return [saved[f"{name}.{i}"] for i in range(sum(key.startswith(f"{name}.") for key in saved))]
