"""Decode the usual JPEG straight into an array; what is unusual is left to Pillow.

It is the same library that Pillow decodes with (libjpeg-turbo, by way of simplejpeg), so the
pixels are the same. What is saved is a Python parser of headers and three copies of every
picture. Whatever the library complains about is for Pillow to judge: it knows more kinds of
broken files, and words for them.
"""

import numpy as np
import simplejpeg

from tasks.images.scratch import scratch

MAGIC = b"\xff\xd8\xff"
MODES = {"YCbCr": ("RGB", 3), "Gray": ("GRAY", 1)}
TURNED = (b"Exif", b"Orientation")  # may say that the picture is to be turned


def usual(data: bytes, max_pixels: int) -> np.ndarray | None:
    """Return the pixels of an upright JPEG, uint8 (h, w, 1 or 3), or None for Pillow to look.

    They last until this thread decodes the next one.

    Args:
        data: the whole file.
        max_pixels: larger pictures are not decoded.
    """
    if not data.startswith(MAGIC) or any(word in data for word in TURNED):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in MODES or height * width > max_pixels:
            return None
        mode, channels = MODES[colours]
        memory = scratch("jpeg", height * width * channels)
        return np.asarray(simplejpeg.decode_jpeg(data, mode, strict=True, buffer=memory))
    except ValueError:
        return None
