"""How alike pairs of pictures of a dataset are: in grey, and of a size at which that is cheap."""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from PIL import Image

from tasks.quality.alignment import likeness

SIDE = 64  # pixels that larger pictures are reduced to before they are compared
SMALLEST = 4  # pixels a side; smaller pictures cannot be compared


def alike(
    images: UInt8[np.ndarray, "n h w c"],
    first: Int64[np.ndarray, "m"],
    second: Int64[np.ndarray, "m"],
    turned: Bool[np.ndarray, "m"],
) -> Float64[np.ndarray, "m"]:
    """Return the likeness of pairs of pictures, -1..1; see `alignment`.

    Args:
        images: pixels in 0..255.
        first: positions of the first pictures.
        second: those of the second.
        turned: whether the second is turned left to right.
    """
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    return likeness(grey(images, used), places[: len(first)], places[len(first) :], turned)


def grey(images: UInt8[np.ndarray, "n h w c"], chosen: np.ndarray) -> Float32[np.ndarray, "m h w"]:
    """Return some pictures in grey, reduced to at most `SIDE` pixels a side."""
    height, width = images.shape[1:3]
    share = min(1.0, SIDE / max(height, width))
    size = max(round(width * share), SMALLEST), max(round(height * share), SMALLEST)
    small = np.empty((len(chosen), size[1], size[0]), np.float32)
    for at, position in enumerate(chosen):
        plain = images[position].mean(axis=2, dtype=np.float32)
        small[at] = (
            plain
            if share == 1
            else np.asarray(Image.fromarray(plain).resize(size, Image.Resampling.BOX))
        )
    return small
