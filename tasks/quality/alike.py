"""How alike pairs of pictures of a dataset are: in grey, and of a size at which that is cheap."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from PIL import Image

from tasks.quality.alignment import likeness
from tasks.stage import cores, progress

SIDE = 64  # pixels that larger pictures are reduced to before they are compared
CHUNK = 256  # pairs that a thread compares at once
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
    found = np.empty(len(first))

    def one_chunk(start: int) -> None:
        some = slice(start, start + CHUNK)
        pairs = np.stack([first[some], second[some]])
        used, (these, others) = np.unique(pairs, return_inverse=True)
        found[some] = likeness(grey(images, used), these, others, turned[some])

    starts = range(0, len(first), CHUNK)
    with progress("pairs compared", len(first)) as advance, ThreadPoolExecutor(cores()) as threads:
        for start, _ in zip(starts, threads.map(one_chunk, starts), strict=True):
            advance(min(CHUNK, len(first) - start))
    return found


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
