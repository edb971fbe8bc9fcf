"""The pictures whose prediction flipped, as the page shows them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tasks.images.samples import read_table
from tasks.report.pictures import Picture, show
from tasks.review.figures import Flip
from tasks.stage import PREPARED


def flipped(dataset: str, flips: Sequence[Flip]) -> list[Picture]:
    """Return the pictures of some flips that are prepared here, in the same order.

    Pixels are those of the working tree, and only a test image with the same pixels on both
    sides can flip.
    """
    folder = PREPARED / dataset
    if not flips or not (folder / "images.npy").exists():
        return []
    images = np.load(folder / "images.npy", mmap_mode="r")
    rows = {str(id): row for row, id in enumerate(read_table(folder / "samples.csv")["id"])}
    return [picture(images[rows[flip.id]], flip) for flip in flips if flip.id in rows]


def picture(pixels: np.ndarray, flip: Flip) -> Picture:
    """Show one image, uint8 (h, w, c), with what was and is said of it."""
    image = Image.fromarray(pixels.squeeze())
    gained = flip.now == flip.label
    return show(
        image,
        f"{flip.id}: {flip.label}, was taken for {flip.was}, now for {flip.now}",
        f"{flip.label}",
        f"{flip.was} → {flip.now}",
        f"{flip.p_was:.2f} → {flip.p_now:.2f}",
        wrong=not gained,
    )
