"""What a network sees in one epoch: shuffled, augmented, mixed, in batches.

A batch is a pure function of (seed, epoch, number of the batch), so it may be made by any
thread, ahead of time, or again after an interruption. Some neighbours are made at one go:
what it costs to ask numpy and the compiled kernels is then paid once for all of them.
"""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from tasks.images.augmentation import augment
from tasks.images.mixing import mix
from tasks.images.randomness import order
from tasks.images.samples import Rows
from tasks.params import Augment, Network

AHEAD = 8  # batches made before they are asked for
THREADS = 2  # that make them; they free the interpreter lock while they move pixels
SCORED = 250  # images that are scored at a time
BLOCK = 1 << 20  # most bytes of pixels that are made at one go, or one batch if that is more

Block = tuple[UInt8[np.ndarray, "m b height width c"], Float32[np.ndarray, "m b k"]]


class Watched(keras.utils.PyDataset):
    """Images as they are, in order, for the model to be scored on.

    Args:
        rows: n images, of the size that the network sees.
        goals: float32 (n, k).
    """

    def __init__(self, rows: Rows, goals: Float32[np.ndarray, "n k"]) -> None:
        super().__init__()
        self.rows, self.goals = rows, goals

    def __len__(self) -> int:
        return -(-len(self.rows) // SCORED)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        some = slice(batch * SCORED, (batch + 1) * SCORED)
        return self.rows.pixels(some), self.goals[some]


class Shuffled(keras.utils.PyDataset):
    """The images of one epoch in their order; a last short batch is left out.

    Args:
        rows: n images, what augmentation reads.
        goals: float32 (n, k).
        index: int64 (n,), which row of the dataset each image is.
        params: of the training.
        changes: what augmentation may do.
        epoch: counted from 0.
        size: height and width that the network sees.
        **workers: what `PyDataset` is to know.
    """

    def __init__(
        self,
        rows: Rows,
        goals: Float32[np.ndarray, "n k"],
        index: Int64[np.ndarray, "n"],
        params: Network,
        changes: Augment,
        *,
        epoch: int,
        size: tuple[int, int],
        **workers: int,
    ) -> None:
        super().__init__(**workers)
        self.rows, self.goals, self.index = rows, goals, index
        self.params, self.changes, self.epoch, self.size = params, changes, epoch, size
        self.order = order(params.seed, epoch, len(rows))
        self.batch_size = min(params.batch_size, len(rows))

    def __len__(self) -> int:
        return len(self.rows) // self.batch_size


class Epoch(Shuffled):
    """The batches of one epoch, augmented on the host; the arguments are those of `Shuffled`."""

    def __init__(self, *what: Any, epoch: int, size: tuple[int, int]) -> None:  # noqa: ANN401
        super().__init__(*what, epoch=epoch, size=size, workers=THREADS, max_queue_size=AHEAD)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        pictures, goals = self.block(batch, batch + 1)
        return pictures[0], goals[0]

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the batches that are made at one go, from which to before which.

        The first is one, for which the training waits; then they become more.
        """
        picture = math.prod(self.size) * self.rows.images.shape[3]
        most = max(BLOCK // (self.batch_size * picture), 1)
        first, some = 0, 1
        while first < len(self):
            last = min(first + some, len(self))
            yield first, last
            first, some = last, min(2 * some, most)

    def block(self, first: int, last: int) -> Block:
        """Return neighbouring batches, from `first` to before `last`."""
        some = self.order[first * self.batch_size : last * self.batch_size]
        seed, epoch, share = self.params.seed, self.epoch, self.params.mix
        shown = augment(
            self.rows.pixels(some), self.index[some], self.changes,
            seed=seed, epoch=epoch, size=self.size,
        )  # fmt: skip
        pictures = shown.reshape(last - first, self.batch_size, *shown.shape[1:])
        goals = self.goals[some].reshape(last - first, self.batch_size, -1)
        if share > 0:
            for i, batch in enumerate(range(first, last)):
                pictures[i], goals[i] = mix(
                    pictures[i], goals[i], share, seed=seed, epoch=epoch, batch=batch
                )
        return pictures, goals
