"""The random numbers of whole epochs, drawn on the device.

They are those of `tasks.images.randomness` to the bit: a hash of (seed, epoch, index, purpose).
So this family shuffles, flips and crops as all others do, its contact sheet shows what it will
see, and a run that was ended goes on with the same numbers. The hash has 64-bit words, which JAX
has in the block of `jax.enable_x64` only; what is drawn are small types again.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax import Array
from jax import numpy as jnp
from jaxtyping import Bool, Float32, Float64, Int, Int32, UInt64

from tasks.images.augmentation import MIDDLE
from tasks.images.randomness import GOLDEN, Purpose
from tasks.params import Augment
from tasks.stage import StageError

Keys = UInt64[Array, "e n"]
Index = Int[Array, "n"] | Int[np.ndarray, "n"]

WHOLE_PIXELS = {
    "border", "brightness", "contrast", "erase", "flip", "one_pixel_shifts", "padded_crop",
    "saturation", "tint",
}  # fmt: skip


class Draws(NamedTuple):
    """What happens to n images in each of e epochs; None: it happens to none.

    Attributes:
        order: in which images come.
        flip: whether it is mirrored.
        shift: pixels down and right.
        colour: factor, then per channel summand in 0..255, then saturation.
        square: left, top, right, bottom of what is erased, in pixels; empty if right <= left.
        erased: the colour of that square in 0..255.
    """

    order: Int32[Array, "e n"]
    flip: Bool[Array, "e n"] | None
    shift: Int32[Array, "e n 2"] | None
    colour: Float32[Array, "e n k"] | None
    square: Int32[Array, "e n 4"] | None
    erased: Float32[Array, "e n c"] | None


def check(changes: Augment) -> None:
    """Refuse what would need interpolation.

    Raises:
        StageError: if pictures are to be turned, zoomed, or moved by parts of a pixel.
    """
    if asked := sorted(set(changes.model_dump(exclude_defaults=True)) - WHOLE_PIXELS):
        raise StageError(
            f"model 'convnet' moves whole pixels only: expected augment to have some of "
            f"{', '.join(sorted(WHOLE_PIXELS))}, got {', '.join(asked)}. Remove it from "
            "params.yaml, or take model 'network'."
        )


def draw(
    changes: Augment, seed: int, first: int, last: int, index: Index, shape: tuple[int, ...]
) -> Draws:
    """Draw all numbers of the epochs from `first` to before `last`, counted from 0.

    Args:
        changes: what may happen.
        seed: of the training run.
        first: epoch.
        last: one past the last epoch.
        index: which row of the dataset each image is.
        shape: height, width and channels of the images.
    """
    with jax.enable_x64(True):
        epochs = jnp.arange(first, last, dtype=jnp.uint64)
        return compiled(jnp.uint64(seed), epochs, jnp.asarray(index, jnp.uint64), changes, shape)


def all_draws(
    seed: UInt64[Array, ""], epochs: UInt64[Array, "e"], index: UInt64[Array, "n"],
    changes: Augment, shape: tuple[int, ...],
) -> Draws:  # fmt: skip
    """Do so where 64-bit words are allowed."""
    key = keys(seed, epochs, index)
    return Draws(
        order=order(seed, epochs, len(index)),
        flip=flips(seed, epochs, index, changes) if changes.flip else None,
        shift=shifts(key, changes) if changes.padded_crop or changes.one_pixel_shifts else None,
        colour=colours(key, changes, shape[2]) if changes_colour(changes) else None,
        square=squares(key, changes, shape) if changes.erase else None,
        erased=jnp.stack([erased(key, c) for c in range(shape[2])], -1) if changes.erase else None,
    )


compiled = jax.jit(all_draws, static_argnames=("changes", "shape"))


def mix(z: UInt64[Array, "*shape"]) -> UInt64[Array, "*shape"]:
    """Scramble words as `randomness.mix` does."""
    z = (z ^ (z >> 30)) * jnp.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> 27)) * jnp.uint64(0x94D049BB133111EB)
    return z ^ (z >> 31)


def keys(seed: UInt64[Array, ""], epochs: UInt64[Array, "e"], index: UInt64[Array, "n"]) -> Keys:
    """Return one key per epoch and image."""
    golden = jnp.uint64(GOLDEN)
    word = mix(mix(seed * golden + jnp.uint64(1)) + epochs * golden)
    return mix(word[:, None] + (index + jnp.uint64(1)) * golden)


def words(key: Keys, purpose: Purpose) -> Keys:
    """Return a random word per key for one purpose."""
    return mix(key + jnp.uint64(int(purpose)) * jnp.uint64(GOLDEN))


def uniform(key: Keys, purpose: Purpose, low: float, high: float) -> Float64[Array, "e n"]:
    """Return a number in [low, high) per key for one purpose."""
    unit = (words(key, purpose) >> 11).astype(jnp.float64) / 2.0**53
    return low + (high - low) * unit


def order(seed: UInt64[Array, ""], epochs: UInt64[Array, "e"], n: int) -> Int32[Array, "e n"]:
    """Return a permutation of 0..n-1 for each epoch."""
    places = keys(seed, epochs, jnp.arange(n, dtype=jnp.uint64))
    return jnp.argsort(words(places, Purpose.ORDER), axis=1, stable=True).astype(jnp.int32)


def flips(
    seed: UInt64[Array, ""], epochs: UInt64[Array, "e"], index: UInt64[Array, "n"],
    changes: Augment,
) -> Bool[Array, "e n"]:  # fmt: skip
    """Say which images are mirrored: by chance, or by chance at first and in turn from then on.

    In turn, every image is seen both ways within two epochs, where chance shows one of two
    images the same way twice (alternating flips, Jordan 2024).
    """
    if changes.flip == "random":
        return uniform(keys(seed, epochs, index), Purpose.FLIP, 0.0, 1.0) < 0.5
    at_first = uniform(keys(seed, jnp.zeros_like(epochs[:1]), index), Purpose.FLIP, 0.0, 1.0) < 0.5
    return at_first ^ (epochs % 2 == 1)[:, None]


def shifts(key: Keys, changes: Augment) -> Int32[Array, "e n 2"]:
    """Draw how far images move down and right."""
    down = right = jnp.zeros(key.shape, jnp.int32)
    if changes.padded_crop:
        most = float(changes.padded_crop)
        whole = partial(uniform, key, low=-most, high=most + 1.0)
        down = down + jnp.floor(whole(Purpose.PADDED_CROP_Y)).astype(jnp.int32)
        right = right + jnp.floor(whole(Purpose.PADDED_CROP_X)).astype(jnp.int32)
    if changes.one_pixel_shifts:
        ninth = jnp.floor(uniform(key, Purpose.DIRECTION, 0.0, 9.0)).astype(jnp.int32)
        down, right = down + ninth // 3 - 1, right + ninth % 3 - 1
    return jnp.stack([down, right], axis=-1)


def changes_colour(changes: Augment) -> bool:
    """Say whether any colour is changed."""
    return any((changes.brightness, changes.contrast, changes.tint, changes.saturation))


def colours(key: Keys, changes: Augment, channels: int) -> Float32[Array, "e n k"]:
    """Draw contrast, brightness with tint, and saturation."""

    def either_way(purpose: Purpose, most: float | None) -> Float64[Array, "e n"]:
        return uniform(key, purpose, -(most or 0.0), most or 0.0)

    factor = 1.0 + either_way(Purpose.CONTRAST, changes.contrast)
    brightness = either_way(Purpose.BRIGHTNESS, changes.brightness)
    tints = (Purpose.TINT_1, Purpose.TINT_2, Purpose.TINT_3)[:channels]
    summands = [
        MIDDLE * (1.0 - factor) + 255.0 * (brightness + either_way(purpose, changes.tint))
        for purpose in tints
    ]
    saturation = 1.0 + either_way(Purpose.SATURATION, changes.saturation)
    return jnp.stack([factor, *summands, saturation], axis=-1).astype(jnp.float32)


def squares(key: Keys, changes: Augment, shape: tuple[int, ...]) -> Int32[Array, "e n 4"]:
    """Draw the square that is covered; a pixel belongs to it if its upper left corner does."""
    assert changes.erase  # noqa: S101 (narrows the type)
    height, width = shape[:2]
    chosen = uniform(key, Purpose.ERASE, 0.0, 1.0) < changes.erase.probability
    side = uniform(key, Purpose.ERASE_SIDE, *changes.erase.side)
    left = (1.0 - side) * uniform(key, Purpose.ERASE_X, 0.0, 1.0)
    top = (1.0 - side) * uniform(key, Purpose.ERASE_Y, 0.0, 1.0)
    edges = [left * width, top * height, (left + side) * width, (top + side) * height]
    square = jnp.ceil(jnp.stack(edges, axis=-1)).astype(jnp.int32)
    return jnp.where(chosen[..., None], square, 0)


def erased(key: Keys, channel: int) -> Float32[Array, "e n"]:
    """Draw one channel of the colour that covers."""
    return (mix(words(key, Purpose.NOISE) + jnp.uint64(channel)) >> 56).astype(jnp.float32)
