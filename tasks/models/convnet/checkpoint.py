"""Where a training stands after an epoch, so that it goes on there after it was killed."""

import json
import time
import zipfile
from pathlib import Path

import numpy as np

from tasks.models.convnet import arrays
from tasks.models.convnet.course import State

FILE = "checkpoint.npz"
COST = 50  # saving takes at most one of so many seconds

Table = list[list[float]]


class Checkpoint:
    """The file of one training; see `unfinished` for where its folder lies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.next_save = 0.0  # on the monotonic clock

    def restore(self, state: State) -> tuple[State, Table]:
        """Return the state and the table of epochs as they were, or those of a new run.

        A file that cannot be read, as a failing disk may leave it, is as good as none.
        """
        try:
            with np.load(self.path) as file:
                saved = dict(file)
        except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile):
            return state, []
        table: Table = json.loads(str(saved["table"]))
        print(f"goes on after epoch {len(table)}, where it was ended", flush=True)
        return arrays.load(saved, state), table

    def save(self, state: State, table: Table) -> None:
        """Write where the training stands, unless the last time is too short ago."""
        began = time.monotonic()
        if began < self.next_save:
            return
        arrays.save(self.path, state, table=np.array(json.dumps(table)))
        ended = time.monotonic()
        self.next_save = ended + COST * (ended - began)
