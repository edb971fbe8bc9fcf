"""Where a training stands after an epoch, and the arrays of a model by name."""

import json

import numpy as np

from tasks.models.checkpoint import CheckpointFile
from tasks.models.perceptron.course import State
from tasks.models.perceptron.layers import Layer

Table = list[list[float]]


def named(what: str, layers: list[Layer]) -> dict[str, np.ndarray]:
    """Name the arrays of layers by their place."""
    return {
        f"{what}.{at}.{field}": array
        for at, layer in enumerate(layers)
        for field, array in layer._asdict().items()
    }


def layers_of(what: str, saved: dict[str, np.ndarray]) -> list[Layer]:
    """Return the layers that were named so, in order."""
    fields = Layer._fields
    count = sum(name.startswith(f"{what}.") for name in saved) // len(fields)
    return [Layer(*(saved[f"{what}.{at}.{field}"] for field in fields)) for at in range(count)]


class Checkpoint(CheckpointFile):
    """What is kept of the training of a perceptron."""

    def restore(self, state: State) -> tuple[State, Table]:
        """Return the state and the table of epochs as they were, or those of a new run."""
        saved = self.read()
        if not saved:
            return state, []
        table: Table = json.loads(str(saved["table"]))
        print(f"goes on after epoch {len(table)}, where it was ended", flush=True)
        return State(layers_of("layer", saved), layers_of("speed", saved)), table

    def save(self, state: State, table: Table) -> None:
        """Write where the training stands."""
        self.write(
            lambda: {
                **named("layer", state.layers),
                **named("speed", state.speeds),
                "table": np.array(json.dumps(table)),
            }
        )
