"""The pictures whose prediction flipped, as the page shows them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tasks.report.pictures import Picture, show
from tasks.review.figures import Flip
from tasks.review.scored import Scored
from tasks.stage import PREPARED
from tasks.stage.tables import read_table


def flipped(scored: Scored, flips: Sequence[Flip]) -> list[Picture]:
    """Return the pictures of some flips that are prepared here, in the same order.

    Pixels are those of the working tree, so a picture is left out unless they are the ones that
    were scored.
    """
    folder = PREPARED / scored.dataset
    if not flips or not (folder / "images.npy").exists():
        return []
    theirs = scored.side.pixels(scored.dataset)
    if theirs is None:
        return []
    images = np.load(folder / "images.npy", mmap_mode="r")
    here = read_table(folder / "samples.csv")
    rows = {pair: row for row, pair in enumerate(zip(here["id"], here["digest"], strict=True))}
    wanted = [(flip, (flip.id, theirs.get(flip.id))) for flip in flips]
    return [picture(images[rows[pair]], flip) for flip, pair in wanted if pair in rows]


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
