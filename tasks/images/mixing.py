"""MixUp and CutMix: pictures of two, labelled with both.

MixUp (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) averages two pictures, CutMix
(Yun et al. 2019, https://arxiv.org/abs/1905.04899) pastes a rectangle of one into the
other; the labels are shared out as the pixels are. Each picture is mixed with the next one
of its batch. A whole batch is mixed, half of the time one way, half the other.
"""

import numpy as np
from jaxtyping import Float32, UInt8

from tasks.images.randomness import Purpose, keys, uniform


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
    key = keys(seed, epoch, np.array([batch]))
    if uniform(key, Purpose.MIX)[0] >= share:
        return images, targets
    if uniform(key, Purpose.MIX_KIND)[0] < 0.5:
        kept = float(uniform(key, Purpose.MIX_SHARE, 0.5, 1.0)[0])
        mixed = averaged(images, kept)
    else:
        kept = float(uniform(key, Purpose.MIX_SHARE)[0])
        left, top = (float(uniform(key, p)[0]) for p in (Purpose.MIX_X, Purpose.MIX_Y))
        mixed, kept = pasted(images, kept, left, top)
    following = np.roll(targets, -1, axis=0)
    return mixed, np.float32(kept) * targets + np.float32(1.0 - kept) * following


def averaged(images: UInt8[np.ndarray, "n h w c"], kept: float) -> UInt8[np.ndarray, "n h w c"]:
    """Average each picture with the next one."""
    weighted = np.float32(kept) * images + np.float32(1.0 - kept) * np.roll(images, -1, axis=0)
    return (weighted + np.float32(0.5)).astype(np.uint8)


def pasted(
    images: UInt8[np.ndarray, "n h w c"], kept: float, left: float, top: float
) -> tuple[UInt8[np.ndarray, "n h w c"], float]:
    """Paste a rectangle of the next picture into each; return the share that was kept, too."""
    height, width = images.shape[1:3]
    side = np.sqrt(1.0 - kept)
    rows, columns = round(side * height), round(side * width)
    y, x = int(top * (height - rows + 1)), int(left * (width - columns + 1))
    mixed = images.copy()
    mixed[:, y : y + rows, x : x + columns] = np.roll(images, -1, axis=0)[
        :, y : y + rows, x : x + columns
    ]
    return mixed, 1.0 - rows * columns / (height * width)
