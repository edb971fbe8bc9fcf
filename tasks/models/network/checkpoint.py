"""Where a training stands after an epoch, so that it goes on there after it was killed.

Batches depend on seed and epoch alone, so the variables of model and optimiser, the seeds
of dropout among them, are all that one epoch hands to the next. A training that goes on
from here ends with the same bytes as one that was never killed.
"""

import json
from dataclasses import asdict, dataclass, field, replace

import keras
import numpy as np
from keras import ops

from tasks.models.checkpoint import CheckpointFile

Weights = list[np.ndarray]


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


class Checkpoint(CheckpointFile):
    """What is kept of a training with Keras."""

    def restore(self, model: keras.Model) -> Standing:
        """Set the variables of a compiled model as they were, and return the rest."""
        saved = self.read()
        if not saved:
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
        """Write where the training stands."""
        self.write(lambda: arrays(model, standing))


def arrays(model: keras.Model, standing: Standing) -> dict[str, np.ndarray]:
    """Return all that a training needs to go on, by name."""
    rest = {k: v for k, v in asdict(bare(standing)).items() if v is not None}
    return {
        "rest": np.array(json.dumps(rest)),
        **numbered("variable", [ops.convert_to_numpy(v) for v in variables(model)]),
        **numbered("mean", standing.mean or []),
        **numbered("kept", standing.kept or []),
    }


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
