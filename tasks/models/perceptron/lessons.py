"""What a perceptron sees in one epoch: shuffled, augmented, scaled, in batches."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from tasks.images.augmentation import augment
from tasks.images.randomness import order
from tasks.images.samples import Rows
from tasks.params import Augment, Perceptron

BLOCK = 1 << 20  # bytes of pixels that are augmented at one go, or one batch if that is more


class Scaling(NamedTuple):
    """Factor and summand of every input, in the order of the pixels."""

    factor: Float32[np.ndarray, "inputs"]
    summand: Float32[np.ndarray, "inputs"]

    @classmethod
    def of_channels(
        cls, scale: tuple[list[float], list[float]], shape: tuple[int, int, int]
    ) -> "Scaling":
        """Repeat factor and summand per channel for every pixel of (height, width, channels)."""
        return cls(*(np.tile(np.asarray(each, np.float32), shape[0] * shape[1]) for each in scale))

    def __call__(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n inputs"]:
        """Return a row of inputs per image."""
        inputs = images.reshape(len(images), -1).astype(np.float32)
        inputs *= self.factor
        inputs += self.summand
        return inputs


def lessons(
    rows: Rows, params: Perceptron, changes: Augment, epoch: int, scaled: Scaling
) -> Iterator[tuple[Float32[np.ndarray, "b inputs"], Int64[np.ndarray, "b"]]]:
    """Yield inputs and labels batch after batch; a last short one is left out.

    Args:
        rows: what is learned from.
        params: of the training.
        changes: what augmentation may do.
        epoch: counted from 0.
        scaled: brings pixels to the wanted range.
    """
    shape, batch = rows.images.shape[1:], min(params.batch_size, len(rows))
    shuffled = order(params.seed, epoch, len(rows))
    shuffled = shuffled[: len(rows) // batch * batch]
    block = batch * max(BLOCK // (batch * math.prod(shape)), 1)
    for some in np.split(shuffled, range(block, len(shuffled), block)):
        images = augment(
            rows.pixels(some), rows.index[some], changes,
            seed=params.seed, epoch=epoch, size=shape[:2],
        )  # fmt: skip
        for first in range(0, len(some), batch):
            these = slice(first, first + batch)
            yield scaled(images[these]), rows.labels[some[these]]
