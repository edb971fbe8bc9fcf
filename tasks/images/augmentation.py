"""What may happen to a training image, as a pure function of (image, seed, epoch, index).

The same image looks different in every epoch, the same in every run: nothing depends on
the order of the batches, the number of threads, or on whether the run was interrupted. All
moves of an image are multiplied into one affine map, so it is interpolated once.
"""

import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt64

from tasks.images.geometry import affine
from tasks.images.randomness import Purpose, either_way, keys, uniform, words
from tasks.images.warp import Moves, warp
from tasks.params import Augment

MIDDLE = 127.5  # contrast turns around the middle of 0..255


def augment(
    images: UInt8[np.ndarray, "n h w c"],
    index: Int64[np.ndarray, "n"],
    params: Augment,
    *,
    seed: int,
    epoch: int,
    size: tuple[int, int],
) -> UInt8[np.ndarray, "n height width c"]:
    """Return each image as it looks in this epoch.

    Args:
        images: pixels in 0..255.
        index: which row of the dataset each image is, the source of its randomness.
        params: what may happen; nothing happens to a picture without any.
        seed: of the training run.
        epoch: counted from 0.
        size: height and width of the result, pixels; the picture is stretched to it.
    """
    if params == Augment() and images.shape[1:3] == size:
        return images
    moves = draw(images.shape[1:], index, params, seed=seed, epoch=epoch, size=size)
    return warp(images, moves, size=size, border=params.border, deviation=params.noise or 0.0)


def draw(
    shape: tuple[int, ...],
    index: Int64[np.ndarray, "n"],
    params: Augment,
    *,
    seed: int,
    epoch: int,
    size: tuple[int, int],
) -> Moves:
    """Return what happens to each image in this epoch; `shape` is that of one."""
    key = keys(seed, epoch, index)
    once = keys(seed, 0, index)  # what stays the same in every epoch
    return Moves(
        affine=affine(key, once, params, epoch, shape[:2], size),
        factor=factor(key, params, shape[2]),
        summand=summand(key, params, shape[2]),
        saturation=either_way(key, Purpose.SATURATION, params.saturation, around=1.0),
        erase=erase(key, params, size),
        noise=words(key, Purpose.NOISE),
    )


def factor(
    key: UInt64[np.ndarray, "n"], params: Augment, channels: int
) -> Float64[np.ndarray, "n c"]:
    """Draw the contrast of each image."""
    contrast = either_way(key, Purpose.CONTRAST, params.contrast, around=1.0)
    return np.repeat(contrast[:, None], channels, axis=1)


def summand(
    key: UInt64[np.ndarray, "n"], params: Augment, channels: int
) -> Float64[np.ndarray, "n c"]:
    """Draw brightness and tint, and what keeps the middle grey where it is."""
    contrast = either_way(key, Purpose.CONTRAST, params.contrast, around=1.0)
    brightness = either_way(key, Purpose.BRIGHTNESS, params.brightness)
    tints = (Purpose.TINT_1, Purpose.TINT_2, Purpose.TINT_3)[:channels]
    tint = np.stack([either_way(key, purpose, params.tint) for purpose in tints], axis=1)
    return MIDDLE * (1.0 - contrast)[:, None] + 255.0 * (brightness[:, None] + tint)


def erase(
    key: UInt64[np.ndarray, "n"], params: Augment, size: tuple[int, int]
) -> Float64[np.ndarray, "n 4"]:
    """Draw the square that is covered, empty for most."""
    square = np.zeros((len(key), 4))
    if params.erase is None:
        return square
    chosen = uniform(key, Purpose.ERASE) < params.erase.probability
    side = uniform(key, Purpose.ERASE_SIDE, *params.erase.side)
    left = (1.0 - side) * uniform(key, Purpose.ERASE_X)
    top = (1.0 - side) * uniform(key, Purpose.ERASE_Y)
    square[:] = np.stack([left, top, left + side, top + side], axis=1)
    square *= np.array([size[1], size[0], size[1], size[0]])
    square[~chosen] = 0.0
    return square
