"""Decode the usual JPEG straight into an array; what is unusual is left to Pillow.

It is the same library that Pillow decodes with (libjpeg-turbo, by way of simplejpeg), without
a Python parser of headers and three copies of every picture. Whatever the library complains
about is for Pillow to judge: it knows more kinds of broken files, and words for them.

**Size.** A JPEG is stored as cosine waves, block by block of 8 x 8 pixels. One that is to become
at most half as large is made from the slower half of the waves alone, at a half, a quarter or an
eighth of its size. That is a low-pass filter, so nothing aliases, and less than a halving is left
for `resize`. The whole file is still read, and what is broken found
(https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/doc/libjpeg.txt, "scale_num").

**Digest.** It is of the coded picture: of all that the pixels come from, and of nothing that a
file says beside it (profiles, thumbnails, comments, EXIF but for the turn). So it depends neither
on the size that is wanted nor on the version of a decoder (markers: ITU-T T.81, annex B).
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from tasks.images.orientation import SIDEWAYS, orientation_of, upright
from tasks.images.scratch import scratch
from tasks.params import Prepare

MAGIC = b"\xff\xd8\xff"
CHANNELS = {"YCbCr": ("RGB", 3), "Gray": ("GRAY", 1)}
TURNED = (b"Exif", b"Orientation")  # may say that the picture is to be turned
REDUCTIONS = (8, 4, 2)

# Among coded waves, 0xFF comes before 0x00 or before the number of a restart: no marker.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
SCAN, END = b"\xff\xda", b"\xff\xd9"
BESIDE = {bytes([kind]) for kind in (*range(0xE0, 0xF0), 0xFE)}  # application data, comments
UNUSUAL = {bytes([kind]) for kind in (0x00, *range(0xD0, 0xDB), 0xFF)} | {b""}  # before waves


class Beginning(NamedTuple):
    """What comes before the coded waves."""

    tables: list[bytes]  # segments that pixels come from
    beside: list[bytes]  # the others
    end: int


class Frame(NamedTuple):
    """What a JPEG shows."""

    pixels: np.ndarray  # uint8 (h, w, 1 or 3), upright, perhaps fewer than the picture has
    width: int  # of the picture, upright
    height: int
    digest: str  # SHA-256 of the coded picture


def usual(data: bytes, prepare: Prepare) -> Frame | None:
    """Return a picture no smaller than it is to be prepared, or None for Pillow to look.

    Its pixels last until this thread decodes the next one.

    Args:
        data: the whole file.
        prepare: the size, and the most pixels that are decoded at all.
    """
    if not data.startswith(MAGIC):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in CHANNELS or height * width > prepare.max_pixels:
            return None
        beginning = beginning_of(data)
        orientation = turn_of(data, beginning)
        sideways = orientation in SIDEWAYS
        wanted = (prepare.width, prepare.height) if sideways else (prepare.height, prepare.width)
        by = reduction(height, width, *wanted)
        pixels = decoded(data, colours, -(-height // by), -(-width // by))
    except (ValueError, SyntaxError, OSError):
        return None
    digest = sha256(f"{height} x {width}, {colours}, {orientation}".encode())
    for part in coded(data, beginning):
        digest.update(part)
    height, width = (width, height) if sideways else (height, width)
    return Frame(upright(pixels, orientation), width, height, digest.hexdigest())


def beginning_of(data: bytes) -> Beginning:
    """Go from segment to segment up to the first coded waves, or to what is hard to understand."""
    at = len(MAGIC) - 1
    tables: list[bytes] = []
    beside: list[bytes] = []
    while data[at : at + 1] == b"\xff" and (kind := data[at + 1 : at + 2]) not in UNUSUAL:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        (beside if kind in BESIDE else tables).append(data[at:end])
        at = end
    return Beginning(tables, beside, at)


def turn_of(data: bytes, beginning: Beginning) -> int:
    """Return the EXIF orientation, 1 to 8."""
    known = data[beginning.end : beginning.end + 2] == SCAN
    said = beginning.beside if known else [data]
    if not any(word in part for part in said for word in TURNED):
        return 1
    return orientation_of(JpegImageFile(BytesIO(data)))


def reduction(height: int, width: int, least_height: int, least_width: int) -> int:
    """Return the largest of 8, 4, 2 and 1 that leaves both sides long enough."""
    most = min(height // least_height, width // least_width)
    return next((by for by in REDUCTIONS if by <= most), 1)


def decoded(data: bytes, colours: str, height: int, width: int) -> np.ndarray:
    """Return the pixels of a JPEG, whole or reduced to a size."""
    mode, channels = CHANNELS[colours]
    memory = scratch("jpeg", height * width * channels)
    return np.asarray(
        simplejpeg.decode_jpeg(
            data, mode, strict=True, min_height=height, min_width=width, buffer=memory
        )
    )


def coded(data: bytes, beginning: Beginning) -> Iterator[bytes]:
    """Yield the parts of a JPEG that its pixels come from, in order."""
    yield from beginning.tables
    at = beginning.end
    while marker := MARKER.search(data, at):
        yield data[at : marker.start()]
        if marker[0] == END:
            return
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
        if marker[0][1:] not in BESIDE:
            yield data[marker.start() : at]
    yield data[at:]
