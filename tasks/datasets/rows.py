"""The images of a dataset while they are packed: rows of a file, written some at a time.

They are written, not mapped: each page of a fresh map is a fault, at which the threads of a
process wait for each other, and it would count as this process's memory.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

STRIDE = 64  # rows that are copied at once


@dataclass(frozen=True)
class Rows:
    """A `.npy` file of uint8 images that is being filled."""

    path: Path
    count: int
    shape: tuple[int, int, int]  # of one image: height, width, channels
    offset: int  # bytes before the first image

    @classmethod
    def create(cls, path: Path, count: int, shape: tuple[int, int, int]) -> "Rows":
        """Make a file of `count` black images."""
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *shape))
        return cls(path, count, shape, array.offset)

    @classmethod
    def open(cls, path: Path) -> "Rows":
        """Go on with a file that was created before."""
        array = np.lib.format.open_memmap(path, "r+")
        return cls(path, len(array), array.shape[1:], array.offset)

    def write(self, file: BinaryIO, at: int, images: np.ndarray) -> None:
        """Write uint8 (n, h, w, c), the rows from `at` on, to the opened file."""
        data = np.ascontiguousarray(images).ravel().data
        offset = self.offset + at * math.prod(self.shape)
        while data:
            written = os.pwrite(file.fileno(), data, offset)
            data, offset = data[written:], offset + written

    def read(self, file: BinaryIO, at: int, count: int) -> np.ndarray:
        """Return uint8 (count, h, w, c), the rows from `at` on."""
        size = math.prod(self.shape)
        file.seek(self.offset + at * size)
        return np.frombuffer(file.read(count * size), np.uint8).reshape(count, *self.shape)

    def move(self, kept: list[bool], path: Path) -> None:
        """Leave only the images that are kept, in their order and without gaps, at `path`."""
        if not all(kept):
            dense, done = Rows.create(path, sum(kept), self.shape), 0
            with self.path.open("rb") as gaps, path.open("r+b") as file:
                for first in range(0, self.count, STRIDE):
                    chosen = kept[first : first + STRIDE]
                    dense.write(file, done, self.read(gaps, first, len(chosen))[chosen])
                    done += sum(chosen)
            self.path.unlink()
        else:
            self.path.replace(path)
