"""What a network sees in one epoch: shuffled, augmented, mixed, one batch at a time.

A batch is a pure function of (seed, epoch, number of the batch), so it may be made by any
thread, ahead of time, or again after an interruption.
"""

import keras
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from tasks.images.augmentation import augment
from tasks.images.mixing import mix
from tasks.images.randomness import order
from tasks.params import Augment, Network

AHEAD = 8  # batches made before they are asked for
THREADS = 2  # that make them; they free the interpreter lock while they move pixels


def targets(labels: Int64[np.ndarray, "n"], classes: int, head: str) -> Float32[np.ndarray, "n k"]:
    """Return labels as a network learns them: one column per class, or one for the second."""
    if head == "logit":
        return labels[:, None].astype(np.float32)
    return np.eye(classes, dtype=np.float32)[labels]


class Epoch(keras.utils.PyDataset):
    """The batches of one epoch; a last short one is left out.

    Args:
        images: uint8 (n, h, w, c), what augmentation reads.
        goals: float32 (n, k).
        index: int64 (n,), which row of the dataset each image is.
        params: of the training.
        changes: what augmentation may do.
        epoch: counted from 0.
        size: height and width that the network sees.
    """

    def __init__(
        self,
        images: UInt8[np.ndarray, "n h w c"],
        goals: Float32[np.ndarray, "n k"],
        index: Int64[np.ndarray, "n"],
        params: Network,
        changes: Augment,
        *,
        epoch: int,
        size: tuple[int, int],
    ) -> None:
        super().__init__(workers=THREADS, use_multiprocessing=False, max_queue_size=AHEAD)
        self.images, self.goals, self.index = images, goals, index
        self.params, self.changes, self.epoch, self.size = params, changes, epoch, size
        self.order = order(params.seed, epoch, len(images))
        self.batch_size = min(params.batch_size, len(images))

    def __len__(self) -> int:
        return len(self.images) // self.batch_size

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        seed, epoch = self.params.seed, self.epoch
        pictures = augment(
            self.images[rows],
            self.index[rows],
            self.changes,
            seed=seed,
            epoch=epoch,
            size=self.size,
        )
        share = self.params.mix
        return mix(pictures, self.goals[rows], share, seed=seed, epoch=epoch, batch=batch)
