"""MixUp and CutMix: pictures of two, labelled with both.

MixUp (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) averages two pictures, CutMix
(Yun et al. 2019, https://arxiv.org/abs/1905.04899) pastes a rectangle of one into the
other; the labels are shared out as the pixels are. Each picture is mixed with the next one
of its batch. A whole batch is mixed, half of the time one way, half the other.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from tasks.images.randomness import Purpose, keys, uniform


class Mixture(NamedTuple):
    """How each picture of a batch is mixed with the next one.

    Attributes:
        kept: what a picture itself weighs, where nothing is pasted.
        pasted: top, left, bottom, right of what the next picture gives, in pixels.
        share: what the picture's own label weighs.
    """

    kept: float
    pasted: tuple[int, int, int, int]
    share: float


UNMIXED = Mixture(1.0, (0, 0, 0, 0), 1.0)


def mix(
    images: UInt8[np.ndarray, "n h w c"],
    targets: Float32[np.ndarray, "n k"],
    share: float,
    *,
    seed: int,
    epoch: int,
    batch: int,
) -> tuple[UInt8[np.ndarray, "n h w c"], Float32[np.ndarray, "n k"]]:
    """Return a batch mixed, with probability `share`, or as it was.

    Args:
        images: pixels in 0..255.
        targets: how much each picture belongs to each class.
        share: of the batches that are mixed.
        seed: of the training run.
        epoch: counted from 0.
        batch: which batch of the epoch this is.
    """
    mixture = draw(images.shape[1:3], share, seed=seed, epoch=epoch, batch=batch)
    if mixture == UNMIXED:
        return images, targets
    mixed = averaged(images, mixture.kept) if mixture.kept < 1 else pasted(images, mixture.pasted)
    return mixed, shared_out(targets, mixture.share)


def draw(size: tuple[int, ...], share: float, *, seed: int, epoch: int, batch: int) -> Mixture:
    """Return how a batch of images of a size (height, width) is mixed; the rest is as above."""
    key = keys(seed, epoch, np.array([batch]))
    if uniform(key, Purpose.MIX)[0] >= share:
        return UNMIXED
    if uniform(key, Purpose.MIX_KIND)[0] < 0.5:
        kept = float(uniform(key, Purpose.MIX_SHARE, 0.5, 1.0)[0])
        return Mixture(kept, (0, 0, 0, 0), kept)
    kept = float(uniform(key, Purpose.MIX_SHARE)[0])
    left, top = (float(uniform(key, p)[0]) for p in (Purpose.MIX_X, Purpose.MIX_Y))
    height, width = size
    side = np.sqrt(1.0 - kept)
    rows, columns = round(side * height), round(side * width)
    y, x = int(top * (height - rows + 1)), int(left * (width - columns + 1))
    return Mixture(1.0, (y, x, y + rows, x + columns), 1.0 - rows * columns / (height * width))


def shared_out(targets: Float32[np.ndarray, "n k"], share: float) -> Float32[np.ndarray, "n k"]:
    """Give each picture a share of its own label, and the rest to the next one's."""
    return np.float32(share) * targets + np.float32(1.0 - share) * np.roll(targets, -1, axis=0)


def averaged(images: UInt8[np.ndarray, "n h w c"], kept: float) -> UInt8[np.ndarray, "n h w c"]:
    """Average each picture with the next one."""
    mixed, own, others = np.empty_like(images), np.float32(kept), np.float32(1.0 - kept)
    for i, picture in enumerate(images):  # one after the other, for they fit the cache
        weighted = own * picture + others * images[i + 1 - len(images)]
        mixed[i] = (weighted + np.float32(0.5)).astype(np.uint8)
    return mixed


def pasted(
    images: UInt8[np.ndarray, "n h w c"], rectangle: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "n h w c"]:
    """Paste a rectangle of the next picture into each."""
    top, left, bottom, right = rectangle
    mixed, inside = images.copy(), np.s_[:, top:bottom, left:right]
    mixed[inside] = np.roll(images[inside], -1, axis=0)
    return mixed
