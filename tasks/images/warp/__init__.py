"""Move, colour and erase in one pass over the pixels, with one interpolation.

Several augmentations in a row would blur the picture several times. Here they are first
multiplied into one affine map and one linear colour map per image; every output pixel is
then computed once. The kernels are compiled, free the interpreter lock, and use no fast
arithmetic, so their bytes do not depend on threads or on the processor.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8, UInt64

from tasks.images.warp import colours, grey, plain

BORDERS = {"reflect": plain.REFLECT, "edge": plain.EDGE, "zero": plain.ZERO}


class Moves(NamedTuple):
    """What happens to each of n images.

    Attributes:
        affine: maps an output pixel's (x, y, 1) to the source position (x, y), both counted
            in pixels from the centre of the first one.
        factor: per channel, applied after `saturation`.
        summand: per channel, in 0..255, added last.
        saturation: distance of a channel from the mean of its pixel's channels, as a factor;
            with 1 no mean is taken.
        erase: left, top, right, bottom of a square that gets one random colour, in output
            pixels; nothing is erased if right <= left.
        noise: one random word per image, from which noise and erased colours are drawn.
    """

    affine: Float64[np.ndarray, "n 2 3"]
    factor: Float64[np.ndarray, "n c"]
    summand: Float64[np.ndarray, "n c"]
    saturation: Float64[np.ndarray, "n"]
    erase: Float64[np.ndarray, "n 4"]
    noise: UInt64[np.ndarray, "n"]


def warp(
    images: UInt8[np.ndarray, "n h w c"],
    moves: Moves,
    *,
    size: tuple[int, int],
    border: str,
    deviation: float,
) -> UInt8[np.ndarray, "n height width c"]:
    """Return the moved images, pixels in 0..255.

    Args:
        images: pixels in 0..255.
        moves: what happens to each.
        size: height and width of the output, pixels.
        border: what lies outside of a source image: its reflection, its edge, or zero.
        deviation: standard deviation of the noise in 0..255, 0 for none.
    """
    shape = (len(images), *size, images.shape[3])
    out = np.empty(math.prod(shape) + 1, np.uint8)[:-1].reshape(shape)  # see `lanes`
    channels, kind = images.shape[3], BORDERS[border]
    if deviation or channels not in (1, 3):
        plain.warped(images, *moves, kind, deviation, out)
    elif channels == 3:
        colours.warped(np.ascontiguousarray(images), *moves, kind, out)
    else:
        affine, factor, summand, _, erase, noise = moves
        images = np.ascontiguousarray(images)
        grey.warped(images, affine, factor, summand, erase, noise, kind, out)
    return out
