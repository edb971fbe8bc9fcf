"""The images of a dataset while they are packed: rows of a file, mapped a few at a time.

Mapping the whole array would count every written page as this process's memory. So each
thread maps the rows that it is about to write, and nothing else.
"""

import math
from dataclasses import dataclass
from pathlib import Path

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

    def map(self, first: int, count: int) -> np.memmap:
        """Return `count` images, uint8 (count, h, w, c), that are written through to the file."""
        offset = self.offset + first * math.prod(self.shape)
        return np.memmap(self.path, np.uint8, "r+", offset, (count, *self.shape))

    def move(self, kept: list[bool], path: Path) -> None:
        """Leave only the images that are kept, in their order and without gaps, at `path`."""
        if not all(kept):
            dense = Rows.create(path, sum(kept), self.shape)
            done = 0
            for first in range(0, self.count, STRIDE):
                chosen = kept[first : first + STRIDE]
                if any(chosen):
                    dense.map(done, sum(chosen))[:] = self.map(first, len(chosen))[chosen]
                    done += sum(chosen)
            self.path.unlink()
        else:
            self.path.replace(path)
