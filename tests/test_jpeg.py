import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from tasks.images.decode import decode
from tasks.images.jpeg import BESIDE, beginning_of, coded, reduction, turn_of, usual
from tasks.params import Prepare

PIXELS = np.random.default_rng(0).integers(0, 256, (33, 47, 3), np.uint8)


def preparation(height=33, width=47, channels=3, max_pixels=10_000):
    return Prepare(
        reader="image_folder", height=height, width=width, channels=channels,
        max_pixels=max_pixels, max_quarantined=0.0,
    )  # fmt: skip


def encoded(mode="RGB", pixels=PIXELS, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def exif(orientation):
    said = Image.Exif()
    said[0x0112] = orientation
    return said


def segment(kind, content):
    return bytes([0xFF, kind]) + (len(content) + 2).to_bytes(2) + content


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
    assert np.array_equal(usual(data, preparation()).pixels.reshape(expected.shape), expected)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(16, 23), (16, 24), (8, 11), (9, 5), (4, 5), (1, 1)], ids=str)
def test_reduced_pixels_are_those_of_pillows_draft(size, mode, options):
    data = encoded(mode, **options)
    draft = Image.open(io.BytesIO(data))
    draft.draft(mode, size[::-1])
    expected = np.asarray(draft)
    got = usual(data, preparation(*size))
    assert np.array_equal(got.pixels.reshape(expected.shape), expected)
    assert (got.height, got.width) == (33, 47)


@pytest.mark.parametrize(
    ("size", "by"),
    [((33, 47), 1), ((17, 23), 1), ((16, 24), 1), ((16, 23), 2), ((8, 11), 4), ((4, 5), 8),
     ((1, 1), 8), ((33, 1), 1), ((500, 500), 1)],
)  # fmt: skip
def test_a_picture_is_reduced_as_far_as_no_side_becomes_too_short(size, by):
    assert reduction(33, 47, *size) == by


def test_a_fine_pattern_reduced_is_its_mean():
    checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    data = encoded("L", checkers, quality=95)
    middle = decode(io.BytesIO(data), preparation(12, 12, 1)).pixels[1:-1, 1:-1].astype(int)
    assert np.abs(middle - 127.5).max() < 3  # without antialiasing 0 or 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(33, 47), (11, 16), (16, 11)], ids=str)
def test_a_photo_is_turned_upright_as_pillow_would(orientation, size):
    data = encoded(exif=exif(orientation))
    sideways = orientation > 4
    draft = Image.open(io.BytesIO(data))
    draft.draft("RGB", size if sideways else size[::-1])
    got = usual(data, preparation(*size))
    assert np.array_equal(got.pixels, np.asarray(ImageOps.exif_transpose(draft)))
    assert (got.height, got.width) == ((47, 33) if sideways else (33, 47))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(33, 47), (33, 20), (20, 47), (20, 20), (9, 46)], ids=str)
def test_a_decoded_picture_outlasts_the_next_one(size, mode):
    prepare = preparation(*size, 3 if mode == "RGB" else 1)
    first = decode(io.BytesIO(encoded(mode)), prepare).pixels
    before = first.copy()
    decode(io.BytesIO(encoded(mode, quality=5)), prepare)
    assert np.array_equal(first, before)


TURNED_BY_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'


def test_xmp_turns_a_photo_too():
    by_xmp, by_exif = encoded(xmp=TURNED_BY_XMP), encoded(exif=exif(6))
    assert np.array_equal(usual(by_xmp, preparation()).pixels, usual(by_exif, preparation()).pixels)


@pytest.mark.parametrize(
    "data",
    [
        encoded("CMYK"),
        encoded(keep_rgb=True),
        encoded()[:900],
        encoded()[:-2],
        encoded()[:3],
        encoded().replace(b"\xff\xda", b"\xff\x00"),
        b"\x89PNG\r\n\x1a\n" + bytes(60),
    ],
    ids=["CMYK", "RGB", "cut", "no end", "magic", "no scan", "PNG"],
)
@pytest.mark.parametrize("size", [(33, 47), (4, 5)], ids=str)
def test_what_is_unusual_is_left_to_pillow(size, data):
    assert usual(data, preparation(*size)) is None


def test_what_is_too_large_is_not_decoded():
    assert usual(encoded(), preparation(max_pixels=33 * 47)) is not None
    assert usual(encoded(), preparation(max_pixels=33 * 47 - 1)) is None


# ---- the digest -------------------------------------------------------------------------


def digest(data, *size):
    return usual(data, preparation(*size)).digest


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("options", OPTIONS[:-1], ids=str)
@pytest.mark.parametrize(
    "beside",
    [{"comment": b"a word"}, {"exif": exif(1)}, {"icc_profile": SRGB}, {"xmp": b"<x/>"}],
    ids=["comment", "EXIF", "profile", "XMP"],
)
def test_a_copy_that_says_other_things_beside_its_picture_has_the_same_digest(beside, options):
    assert digest(encoded(**options, **beside)) == digest(encoded(**options))


def test_what_follows_a_picture_is_not_part_of_it():
    assert digest(encoded() + b"a film, as telephones append it") == digest(encoded())


def test_the_digest_of_a_photo_does_not_depend_on_the_prepared_size():
    assert len({digest(encoded(), *size) for size in [(33, 47), (16, 16), (1, 1), (99, 99)]}) == 1


def test_pictures_that_differ_have_other_digests():
    other = PIXELS.copy()
    other[20, 20] ^= 255
    pictures = [
        encoded(), encoded(quality=74), encoded("L"), encoded(exif=exif(3)), encoded(pixels=other),
        encoded(pixels=PIXELS[:-1]), encoded(progressive=True),
    ]  # fmt: skip
    assert len(set(map(digest, pictures))) == len(pictures)


# ---- what pixels come from --------------------------------------------------------------


def slowly(data):
    """Return the coded picture, marker by marker, as annex B of T.81 tells them apart."""
    kept, at = b"", 2
    while at < len(data):
        marked = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]").search(data, at)
        kept += data[at : marked.start() if marked else len(data)]
        if not marked or marked[0] == b"\xff\xd9":
            return kept
        at = marked.end() + int.from_bytes(data[marked.end() : marked.end() + 2])
        if marked[0][1:] not in BESIDE:
            kept += data[marked.start() : at]
    return kept


def quickly(data):
    return b"".join(coded(data, beginning_of(data)))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_pixels_come_from_is_the_same_with_anything_beside_it(mode, options):
    data = encoded(mode, **options)
    assert quickly(data) == slowly(data)
    said = segment(0xE1, encoded()) + segment(0xFE, b"\xff\xd9")
    assert quickly(data[:2] + said + data[2:] + encoded()) == quickly(data)
    assert b"\xff\xda" in quickly(data)


@given(
    st.lists(
        st.sampled_from([b"\xff", b"\xd8", b"\xda", b"\xd9", b"\xd0", b"\xe0", b"\0", b"\2", b"a"])
    )
)
def test_of_any_bytes_the_same_parts_are_taken(parts):
    data = b"\xff\xd8\xff" + b"".join(parts)
    assert quickly(data) == slowly(data)
    assert turn_of(data, beginning_of(data)) == 1


def test_an_orientation_behind_a_thumbnail_is_found():
    plain, said = encoded(), segment(0xE1, exif(6).tobytes())
    hidden = plain[:2] + segment(0xE3, encoded()) + said + plain[2:]
    assert usual(hidden, preparation(47, 33)).pixels.shape == (47, 33, 3)
