"""Where a training stands after an epoch, so that it goes on there after it was killed."""

import json

import numpy as np

from tasks.models.checkpoint import CheckpointFile
from tasks.models.convnet import arrays
from tasks.models.convnet.course import State

Table = list[list[float]]


class Checkpoint(CheckpointFile):
    """What is kept of a training with JAX."""

    def restore(self, state: State) -> tuple[State, Table]:
        """Return the state and the table of epochs as they were, or those of a new run."""
        saved = self.read()
        if not saved:
            return state, []
        table: Table = json.loads(str(saved["table"]))
        print(f"goes on after epoch {len(table)}, where it was ended", flush=True)
        return arrays.load(saved, state), table

    def save(self, state: State, table: Table) -> None:
        """Write where the training stands."""
        self.write(lambda: {**arrays.named(state), "table": np.array(json.dumps(table))})
