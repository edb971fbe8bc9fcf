"""Pictures that are augmented where the network is, so that a GPU waits for no processor.

The host draws what happens to each picture, a few numbers, as `augmentation` and `mixing` do for
all; the device finds the pixels, moves, colours and mixes them as part of the training step. It
counts in float32 and the kernels of `warp` in float64, so a pixel may differ from theirs by 1 of
255, where rounding is close.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


class OnDevice(keras.Model):
    """A network that is told which pictures to look at, and how; see `looks`.

    Args:
        model: the network, of pixels.
        images: uint8 (n, h, w, c), kept on the device; none if they come with each batch.
        size: height and width that the network sees.
        border: what lies outside of a picture, as in `Augment`.
    """

    def __init__(
        self, model: keras.Model, images: np.ndarray | None, *, size: tuple[int, int], border: str
    ) -> None:
        super().__init__(dtype="float32")  # whatever the network computes in: these are positions
        self.network, self.size, self.border = model, size, border
        self.images = None
        if images is not None:
            self.images = self.add_weight(
                shape=images.shape, dtype="uint8", initializer="zeros", trainable=False
            )
            self.images.assign(images)

    def call(self, looks: dict[str, Tensor], training: bool | None = None) -> Tensor:
        """Return logits, (b, outputs)."""
        if self.images is None:
            images = looks["images"]
        else:
            images = ops.take(self.images, looks["rows"], axis=0)
        seen = warped(images, looks, self.size, self.border)
        return self.network(mixed(seen, looks), training=training)


def warped(images: Tensor, looks: dict[str, Tensor], size: tuple[int, int], border: str) -> Tensor:
    """Return moved and coloured pictures, whole numbers in 0..255 as float32 (b, *size, c)."""
    rows, columns, channels = images.shape[1:]
    x, y = ops.arange(size[1], dtype="float32"), ops.arange(size[0], dtype="float32")[:, None]
    (across_x, down_x, right), (across_y, down_y, below) = (
        [looks["affine"][:, axis, i, None, None] for i in range(3)] for axis in (0, 1)
    )
    pixels = ops.reshape(images, (-1, rows * columns, channels))
    horizontally = looked(across_x * x + down_x * y + right, columns, border)
    vertically = looked(across_y * x + down_y * y + below, rows, border)
    total = 0.0
    for row, weight_y in vertically:
        for column, weight_x in horizontally:
            place = ops.reshape(row * columns + column, (-1, size[0] * size[1], 1))
            found = ops.cast(ops.take_along_axis(pixels, place, axis=1), "float32")
            weight = ops.reshape(weight_y * weight_x, (-1, size[0] * size[1], 1))
            total += weight * found
    grey = ops.mean(total, axis=2, keepdims=True)
    total = grey + (total - grey) * looks["saturation"][:, None, None]
    total = total * looks["factor"][:, None, :] + looks["summand"][:, None, :]
    seen = ops.reshape(total, (-1, *size, channels))
    left, top, right, bottom = (looks["erase"][:, i, None, None] for i in range(4))
    erased = (left <= x) & (x < right) & (top <= y) & (y < bottom)
    colour = looks["colour"][:, None, None, :]
    return whole(ops.where(erased[..., None], colour, seen))


def looked(position: Tensor, length: int, border: str) -> list[tuple[Tensor, Tensor]]:
    """Return two neighbours on one axis, where pixels look, and what each weighs."""
    first = ops.floor(position)
    share = position - first
    return [
        (ops.cast(instead(at, length, border), "int32"), weight * inside(at, length, border))
        for at, weight in ((first, 1.0 - share), (first + 1.0, share))
    ]


def instead(at: Tensor, length: int, border: str) -> Tensor:
    """Return the row or column to read instead of one outside."""
    if border == "reflect":
        period = max(2.0 * (length - 1), 1.0)  # the edge itself is not repeated
        at = ops.mod(ops.abs(at), period)
        at = ops.where(at < length, at, period - at)
    return ops.clip(at, 0.0, length - 1.0)


def inside(at: Tensor, length: int, border: str) -> Tensor | float:
    """Return 0 for what is black, else 1."""
    if border != "zero":
        return 1.0
    return ops.cast((at >= 0.0) & (at <= length - 1.0), "float32")


def mixed(seen: Tensor, looks: dict[str, Tensor]) -> Tensor:
    """Mix each picture with the next one of its batch."""
    x = ops.arange(seen.shape[2], dtype="float32")
    y = ops.arange(seen.shape[1], dtype="float32")[:, None]
    top, left, bottom, right = (looks["pasted"][:, i, None, None] for i in range(4))
    pasted = (left <= x) & (x < right) & (top <= y) & (y < bottom)
    own = ops.where(pasted, 0.0, looks["kept"][:, None, None])[..., None]
    return whole(own * seen + (1.0 - own) * ops.roll(seen, -1, axis=0))


def whole(values: Tensor) -> Tensor:
    """Round to what a byte can be."""
    return ops.floor(ops.clip(values + 0.5, 0.0, 255.0))
