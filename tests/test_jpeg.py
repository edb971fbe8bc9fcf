import io

import numpy as np
import pytest
from PIL import Image

from tasks.images.decode import decode
from tasks.images.jpeg import usual
from tasks.params import Prepare

PIXELS = np.random.default_rng(0).integers(0, 256, (33, 47, 3), np.uint8)


def encoded(mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


OPTIONS = [
    {},
    {"subsampling": 0},
    {"subsampling": 1},
    {"progressive": True},
    {"optimize": True, "quality": 20},
    {"restart_marker_rows": 1},
    {"comment": b"a word"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_pillow(mode, options):
    data = encoded(mode, **options)
    expected = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(usual(data, 10_000).reshape(expected.shape), expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(33, 47), (33, 20), (20, 47), (20, 20), (9, 46)], ids=str)
def test_a_decoded_picture_outlasts_the_next_one(size, mode):
    prepare = Prepare(
        reader="image_folder", height=size[0], width=size[1], channels=3 if mode == "RGB" else 1,
        max_pixels=10_000, max_quarantined=0.0,
    )  # fmt: skip
    first = decode(io.BytesIO(encoded(mode)), prepare).pixels
    before = first.copy()
    decode(io.BytesIO(encoded(mode, quality=5)), prepare)
    assert np.array_equal(first, before)


TURNED = Image.Exif()
TURNED[0x0112] = 6
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'


@pytest.mark.parametrize(
    "data",
    [
        encoded("CMYK"),
        encoded(keep_rgb=True),
        encoded(exif=TURNED),
        encoded(xmp=XMP),
        encoded()[:900],
        encoded()[:-2],
        encoded()[:3],
        encoded().replace(b"\xff\xda", b"\xff\x00"),
        b"\x89PNG\r\n\x1a\n" + bytes(60),
    ],
    ids=["CMYK", "RGB", "turned", "turned by XMP", "cut", "no end", "magic", "no scan", "PNG"],
)
def test_what_is_unusual_is_left_to_pillow(data):
    assert usual(data, 10_000) is None


def test_what_is_too_large_is_not_decoded():
    assert usual(encoded(), 33 * 47) is not None
    assert usual(encoded(), 33 * 47 - 1) is None
