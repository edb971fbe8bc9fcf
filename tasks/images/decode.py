"""Decode a picture of any kind into uint8 pixels of one size, or say why it cannot be.

`prepare` and `predict` share this module, so a model meets all pictures alike. Their kinds:

- 16-bit grey is scaled: 0..65535 becomes 0..255. So are 32-bit integers within 0..65535, which
  is how some formats hold 16 bits; others stretch from their own least to their greatest value.
- Floating point is taken as 0..1 if it fits, else as 0..255, else it stretches likewise.
- Transparency of any kind (alpha, a palette's, one transparent colour) is laid over white.
- CMYK, YCbCr, Lab, HSV and palettes become RGB; embedded colour profiles are not applied.
- One channel from colour is luma (ITU-R BT.601); three from grey are three copies.

The EXIF orientation is applied, and of an animation the first frame counts. The whole picture
is squashed to the prepared height and width: nothing is cropped, and its aspect is not kept.

A digest is the same whatever the prepared size, and whatever a file says beside its picture: of
the usual JPEG it is of the coded picture (see `jpeg`), of all others of shape and upright pixels.
"""

import os
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from tasks.images import jpeg
from tasks.images.depth import Unreadable, eight_bits
from tasks.images.jpeg2000 import refuse_cut
from tasks.images.orientation import orientation_of, upright
from tasks.params import Prepare

# Others stay out: reading them runs a program (EPS), or nothing tells them from rubbish (TGA).
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "ICO", "AVIF")

# A triangle as wide as the reduction: antialiased, and no pixel leaves its neighbours' range.
FILTER = Image.Resampling.BILINEAR

MOST_AT_ONCE = 2**26  # bytes of a file that are read into memory

_OPENING = Lock()


class Decoded(NamedTuple):
    """A picture ready to be packed."""

    pixels: np.ndarray  # uint8 (height, width, channels) as prepared
    width: int  # upright, before resizing
    height: int
    digest: str  # SHA-256 of the picture, in hexadecimal digits


def decode(source: Path | BinaryIO, prepare: Prepare) -> Decoded:
    """Read, check, convert and resize one picture.

    Args:
        source: a file, or one that is open and can seek.
        prepare: size, channels, and the most pixels that are decoded at all.

    Raises:
        Unreadable: if the picture is empty, broken, too large, or none.
    """
    if not isinstance(source, Path):
        return decode_open(source, prepare)
    try:
        with opened_file(source) as file:
            return decode_open(file, prepare)
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror or error}") from error


def opened_file(path: Path) -> BinaryIO:
    """Open a file, and read it at one go if that fits: after each call a thread waits its turn."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size <= MOST_AT_ONCE and len(data := os.read(descriptor, size)) == size:
            return BytesIO(data)
    finally:
        os.close(descriptor)
    return path.open("rb")


def decode_open(file: BinaryIO, prepare: Prepare) -> Decoded:
    """Decode an open file: the usual JPEG by itself, anything else by Pillow."""
    beginning = file.read(len(jpeg.MAGIC))
    if not beginning:
        raise Unreadable("the file is empty")
    if beginning == jpeg.MAGIC:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        data = file.read(min(size, MOST_AT_ONCE))
        if (frame := jpeg.usual(data, prepare)) is not None:
            pixels = with_channels(frame.pixels, prepare.channels)
            return Decoded(resized(pixels, prepare), frame.width, frame.height, frame.digest)
    return fit(upright_pixels(file, prepare), prepare)


def fit(pixels: np.ndarray, prepare: Prepare) -> Decoded:
    """Bring decoded pixels, uint8 (h, w, 1 or 3), to the prepared channels and size."""
    pixels = np.ascontiguousarray(with_channels(pixels, prepare.channels))
    height, width, _ = pixels.shape
    digest = sha256(f"{pixels.shape}".encode())
    digest.update(pixels.data)
    return Decoded(resized(pixels, prepare), width, height, digest.hexdigest())


def resized(pixels: np.ndarray, prepare: Prepare) -> np.ndarray:
    """Return pixels of the prepared size in memory of their own."""
    others = resize(pixels, prepare.height, prepare.width)
    return pixels.copy() if others is pixels else others


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample uint8 (h, w, c) to (height, width, c), antialiased; the same size is identity."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[2] == 3:
        from tasks.images.resampling import resampled  # compiled: many datasets never need it

        return resampled(np.ascontiguousarray(pixels), height, width)
    return as_array(as_image(pixels).resize((width, height), FILTER))


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Turn grey into colour or colour into grey, where that is needed."""
    if pixels.shape[2] == channels:
        return pixels
    return as_array(as_image(pixels).convert("L" if channels == 1 else "RGB"))


def as_image(pixels: np.ndarray) -> Image.Image:
    """Return uint8 (h, w, 1 or 3) as a picture of mode L or RGB."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def as_array(image: Image.Image) -> np.ndarray:
    """Return a picture of mode L or RGB as uint8 (h, w, 1 or 3)."""
    pixels = np.asarray(image)
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def upright_pixels(file: BinaryIO, prepare: Prepare) -> np.ndarray:
    """Return the first frame of an open file as uint8 (h, w, 1 or 3), upright."""
    with opened(file) as image:
        width, height = image.size
        if width * height > prepare.max_pixels:  # known from the header, nothing is decoded yet
            raise Unreadable(
                f"too large: {width} x {height} pixels, at most {prepare.max_pixels} are decoded"
            )
        try:
            image.load()
            if image.format == "JPEG2000":
                refuse_cut(file)
        except Exception as error:  # a broken file may make a decoder raise anything
            raise Unreadable(complaint(error)) from error
        return upright(as_array(plain_mode(image)), orientation_of(image))


def opened(file: BinaryIO) -> Image.Image:
    """Read the header of a picture.

    Pillow refuses large pictures by a number of its own, for the whole process. Ours is a
    parameter and is checked next, so Pillow's is lifted while a header is read, and only then.
    """
    file.seek(0)
    with _OPENING:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=FORMATS)
        except UnidentifiedImageError as error:
            raise Unreadable("not an image, or its beginning is damaged") from error
        except Exception as error:  # as above
            raise Unreadable(complaint(error)) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def complaint(error: Exception) -> str:
    """Say in a line what is wrong with a file on which a decoder gave up."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in text.lower() or "but only got" in text:
        return "truncated: the file ends before its picture does"
    return f"damaged: {text}"


def plain_mode(image: Image.Image) -> Image.Image:
    """Convert a picture of any mode to L or RGB, as the module says."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(eight_bits(image))
    if image.mode in {"La", "RGBa"}:  # colours that are multiplied by their alpha
        image = image.convert(image.mode.replace("a", "A"))
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured)
    if image.mode in {"L", "RGB"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")
