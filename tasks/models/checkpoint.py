"""The file of a training that is under way, so that it goes on there after it was killed."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tasks.stage import replacing

FILE = "checkpoint.npz"
COST = 50  # saving takes at most one of so many seconds


class CheckpointFile:
    """Named arrays in the folder of one unfinished training; see `unfinished` for where it is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.next_save = 0.0  # on the monotonic clock

    def read(self) -> dict[str, np.ndarray]:
        """Return the arrays as they were written, or none.

        A file that cannot be read, as a failing disk may leave it, is as good as none.
        """
        try:
            with np.load(self.path) as file:
                return dict(file)
        except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile):
            return {}

    def write(self, arrays: Callable[[], dict[str, Any]]) -> None:
        """Write arrays, whole or not at all, unless the last time is too short ago."""
        began = time.monotonic()
        if began < self.next_save:
            return
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays())
        ended = time.monotonic()
        self.next_save = ended + COST * (ended - began)
