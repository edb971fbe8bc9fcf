"""Turn pictures upright, as the EXIF orientation says (CIPA DC-008, tag 274)."""

import numpy as np
from PIL import Image

TAG = 0x0112
ORIENTATIONS = range(1, 9)
SIDEWAYS = ORIENTATIONS[4:]  # rows have become columns


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of an opened picture, 1 to 8; one that cannot be read is 1."""
    try:
        said = image.getexif().get(TAG)
    except Exception:  # broken EXIF may raise anything, and the pixels are good without it
        return 1
    return next((orientation for orientation in ORIENTATIONS if orientation == said), 1)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return a view of pixels (h, w, c) that stands upright."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels
