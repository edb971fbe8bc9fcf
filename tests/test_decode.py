import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageCms, ImageOps

from tasks.images.decode import (
    as_array,
    decode,
    fit,
    plain_mode,
    resize,
    upright_pixels,
)
from tasks.images.depth import Unreadable
from tasks.params import Prepare

HEIGHT, WIDTH = 24, 32


def preparation(
    height: int = HEIGHT, width: int = WIDTH, channels: int = 3, max_pixels: int = 1_000_000
) -> Prepare:
    return Prepare(
        reader="image_folder",
        height=height,
        width=width,
        channels=channels,
        max_pixels=max_pixels,
        max_quarantined=0,
    )


def gradient() -> Image.Image:
    """Draw soft colours, which survive a lossy format nearly unchanged; no axis is symmetric."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = 255 * x / WIDTH, 255 * y / HEIGHT, 255 - 100 * x / WIDTH
    return Image.fromarray(np.stack(planes, axis=2).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: object) -> BytesIO:
    file = BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def lab(image: Image.Image) -> Image.Image:
    srgb, target = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(image, srgb, target, outputMode="LAB")


def sixteen_bit(image: Image.Image, order: str = "<u2") -> Image.Image:
    return Image.fromarray((np.asarray(image.convert("L")).astype(np.uint16) * 257).astype(order))


def floating(image: Image.Image, top: float) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255 * top)


# ---- modes ----------------------------------------------------------------------------

COLOUR = {
    "RGB in PNG": lambda i: encoded(i, "PNG"),
    "RGB in BMP": lambda i: encoded(i, "BMP"),
    "RGB in lossless WebP": lambda i: encoded(i, "WEBP", lossless=True),
    "RGB in AVIF": lambda i: encoded(i, "AVIF", quality=95),
    "RGB in JPEG 2000": lambda i: encoded(i, "JPEG2000"),
    "RGB in PPM": lambda i: encoded(i, "PPM"),
    "RGBA in PNG": lambda i: encoded(i.convert("RGBA"), "PNG"),
    "YCbCr in JPEG": lambda i: encoded(i, "JPEG", quality=95),
    "YCbCr in TIFF": lambda i: encoded(i.convert("YCbCr"), "TIFF"),
    "CMYK in JPEG": lambda i: encoded(i.convert("CMYK"), "JPEG", quality=95),
    "CMYK in TIFF": lambda i: encoded(i.convert("CMYK"), "TIFF"),
    "LAB in TIFF": lambda i: encoded(lab(i), "TIFF"),
    "P in PNG": lambda i: encoded(i.quantize(256), "PNG"),
    "P in GIF": lambda i: encoded(i.quantize(256), "GIF"),
}
GREY = {
    "L in PNG": lambda i: encoded(i.convert("L"), "PNG"),
    "L in JPEG": lambda i: encoded(i.convert("L"), "JPEG", quality=95),
    "LA in PNG": lambda i: encoded(i.convert("LA"), "PNG"),
    "I;16 in PNG": lambda i: encoded(sixteen_bit(i), "PNG"),
    "I;16 in TIFF": lambda i: encoded(sixteen_bit(i), "TIFF"),
    "I;16B in TIFF": lambda i: encoded(sixteen_bit(i, ">u2"), "TIFF"),
    "I in TIFF": lambda i: encoded(Image.fromarray(np.asarray(sixteen_bit(i), np.int32)), "TIFF"),
    "F to 1 in TIFF": lambda i: encoded(floating(i, 1), "TIFF"),
    "F to 255 in TIFF": lambda i: encoded(floating(i, 255), "TIFF"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", COLOUR)
def test_a_colour_picture_of_any_mode_keeps_its_looks(kind, channels):
    got = decode(COLOUR[kind](gradient()), preparation(channels=channels)).pixels
    expected = as_array(gradient().convert("L" if channels == 1 else "RGB"))
    assert got.shape == (HEIGHT, WIDTH, channels)
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", GREY)
def test_a_grey_picture_of_any_mode_keeps_its_looks(kind, channels):
    got = decode(GREY[kind](gradient()), preparation(channels=channels)).pixels
    expected = np.asarray(gradient().convert("L"))[:, :, np.newaxis]
    assert got.shape == (HEIGHT, WIDTH, channels)
    assert np.abs(got.astype(int) - expected).mean() < 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_every_mode_in_memory_becomes_l_or_rgb(mode):
    assert plain_mode(gradient().convert(mode)).mode in {"L", "RGB"}


@pytest.mark.parametrize(("straight", "premultiplied"), [("LA", "La"), ("RGBA", "RGBa")])
def test_premultiplied_alpha_looks_like_straight_alpha(straight, premultiplied):
    image = gradient().convert(straight)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    one, other = plain_mode(image), plain_mode(image.convert(premultiplied))
    assert np.abs(as_array(one).astype(int) - as_array(other)).max() <= 2


def test_one_bit_becomes_black_and_white():
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert decode(encoded(image, "PNG"), preparation(1, 2, 1)).pixels.tolist() == [[[0], [255]]]


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (257, 1), (40000, 156), (65535, 255)])
def test_sixteen_bits_are_scaled_not_clipped(value, grey):
    image = Image.new("I;16", (4, 4), value)
    assert np.all(decode(encoded(image, "PNG"), preparation(4, 4, 1)).pixels == grey)


def test_a_sixteen_bit_grey_may_be_transparent():
    image = Image.fromarray(np.array([[40000, 40001]], np.uint16))
    file = with_chunk(encoded(image, "PNG"), b"tRNS", struct.pack(">H", 40000))
    assert decode(file, preparation(1, 2, 1)).pixels.ravel().tolist() == [255, 156]


def test_numbers_beyond_any_range_stretch_from_least_to_greatest():
    integers = Image.fromarray(np.array([[-100, 0, 410]], np.int32))
    floats = Image.fromarray(np.array([[500, 1000, 3050]], np.float32))
    for image in integers, floats:
        pixels = decode(encoded(image, "TIFF"), preparation(1, 3, 1)).pixels
        assert pixels.ravel().tolist() == [0, 50, 255]


def test_a_flat_picture_of_numbers_beyond_any_range_is_black():
    image = Image.new("F", (2, 2), 1000)
    assert not decode(encoded(image, "TIFF"), preparation(2, 2, 1)).pixels.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(bad):
    image = Image.fromarray(np.array([[0.5, bad]], np.float32))
    with pytest.raises(Unreadable, match="holds pixels that are not finite numbers"):
        decode(encoded(image, "TIFF"), preparation())


# ---- transparency ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alpha", "rgb"), [(0, [255, 255, 255]), (255, [200, 100, 0]), (51, [244, 224, 204])]
)
def test_alpha_is_laid_over_white(alpha, rgb):
    image = Image.new("RGBA", (2, 2), (200, 100, 0, alpha))
    pixels = decode(encoded(image, "PNG"), preparation(2, 2)).pixels
    assert np.all(pixels == rgb)


def test_a_transparent_palette_entry_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([200, 100, 0, 0, 0, 200])
    image.putpixel((1, 0), 1)
    for file in encoded(image, "GIF", transparency=0), encoded(image, "PNG", transparency=b"\0"):
        pixels = decode(file, preparation(1, 2)).pixels
        assert pixels.tolist() == [[[255, 255, 255], [0, 0, 200]]]


@pytest.mark.parametrize(("mode", "key"), [("L", 100), ("RGB", (100, 100, 100))])
def test_one_transparent_colour_becomes_white(mode, key):
    file = encoded(Image.new(mode, (2, 2), key), "PNG", transparency=key)
    assert np.all(decode(file, preparation(2, 2)).pixels == 255)


# ---- orientation and frames -----------------------------------------------------------


def turned(orientation: int, format: str, **options: object) -> BytesIO:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(gradient(), format, exif=exif, **options)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_pillow_would(orientation, format):
    options = {"lossless": True} if format == "WEBP" else {}
    got = upright_pixels(turned(orientation, format, **options), preparation())
    exif = gradient()
    exif.getexif()[0x0112] = orientation
    assert np.array_equal(got, np.asarray(ImageOps.exif_transpose(exif)))


def test_a_photo_held_upright_swaps_width_and_height():
    decoded = decode(turned(6, "JPEG", quality=95), preparation())
    assert (decoded.width, decoded.height) == (HEIGHT, WIDTH)
    assert decoded.pixels.shape == (HEIGHT, WIDTH, 3)
    expected = np.asarray(gradient().rotate(-90, expand=True).resize((WIDTH, HEIGHT)))
    assert np.abs(decoded.pixels.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(value):
    assert np.array_equal(upright_pixels(turned(value, "PNG"), preparation()), gradient())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("rubbish", [b"", b"x", b"MM\0*\0\0\0\x08\xff\xff", bytes(range(256))])
def test_broken_exif_leaves_the_picture_as_it_is(rubbish):
    file = encoded(gradient(), "JPEG", exif=b"Exif\0\0" + rubbish, quality=95)
    plain = encoded(gradient(), "JPEG", quality=95)
    assert np.array_equal(decode(file, preparation()).pixels, decode(plain, preparation()).pixels)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_an_animation_the_first_frame_counts(format):
    red, blue = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    options = {"lossless": True} if format == "WEBP" else {}
    file = encoded(red, format, save_all=True, append_images=[blue, blue], **options)
    assert np.all(decode(file, preparation(8, 8)).pixels == [255, 0, 0])


# ---- what cannot be decoded -----------------------------------------------------------


def with_chunk(png: BytesIO, name: bytes, content: bytes) -> BytesIO:
    """Insert a chunk behind the header of a PNG."""
    whole = png.getvalue()
    return BytesIO(whole[:33] + chunk(name, content) + whole[33:])


def chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png_of_size(width: int, height: int) -> BytesIO:
    """Make a PNG of a few bytes that claims to be large."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return BytesIO(b"\x89PNG\r\n\x1a\n" + header + body)


@pytest.mark.parametrize("side", [1001, 12_000, 100_000])
def test_a_bomb_is_refused_by_its_header(side):
    with pytest.raises(Unreadable, match=f"too large: {side} x {side} pixels, at most 1000000"):
        decode(png_of_size(side, side), preparation())


def test_the_limit_is_ours_and_not_pillows(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(encoded(gradient(), "PNG"), preparation()).width == WIDTH
    assert Image.MAX_IMAGE_PIXELS == 10


def test_pillows_own_limit_is_back_after_many_threads():
    before = Image.MAX_IMAGE_PIXELS
    file = encoded(gradient(), "PNG").getvalue()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: decode(BytesIO(file), preparation()), range(200)))
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_at_the_limit_is_decoded():
    limit = preparation(max_pixels=WIDTH * HEIGHT)
    assert decode(encoded(gradient(), "PNG"), limit).height == HEIGHT


def test_an_empty_file_is_refused():
    with pytest.raises(Unreadable, match=r"^the file is empty$"):
        decode(BytesIO(), preparation())


@pytest.mark.parametrize(
    "content", [b"no picture at all", b"<html></html>", b"%!PS-Adobe-3.0 EPSF"]
)
def test_what_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "cat.jpg"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=r"^not an image, or its beginning is damaged$"):
        decode(path, preparation())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_too_large_to_be_read_at_one_go_is_decoded_all_the_same(kind, tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(encoded(gradient(), kind).getvalue())
    whole = decode(path, preparation(4, 4))
    monkeypatch.setattr("tasks.images.decode.MOST_AT_ONCE", 100)
    assert np.abs(decode(path, preparation(4, 4)).pixels.astype(int) - whole.pixels).max() <= 3


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Unreadable, match="cannot be opened: No such file"):
        decode(tmp_path / "gone.jpg", preparation())


def test_a_truncated_photo_is_refused():
    whole = encoded(gradient().resize((200, 200)), "JPEG").getvalue()
    with pytest.raises(Unreadable, match=r"^truncated: the file ends before its picture does$"):
        decode(BytesIO(whole[: len(whole) // 2]), preparation())


def test_a_damaged_checksum_is_refused():
    whole = bytearray(encoded(gradient(), "PNG").getvalue())
    whole[29] ^= 0xFF  # the header's own checksum
    with pytest.raises(Unreadable, match="damaged"):
        decode(BytesIO(whole), preparation())


FILES = {
    format: encoded(gradient(), format).getvalue()
    for format in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "PPM", "TIFF", "JPEG2000", "AVIF")
}


FILES["JPEG2000 in tiles, with a comment like its end"] = encoded(
    gradient(), "JPEG2000", tile_size=(8, 8), comment=b"x\xff\xd9y"
).getvalue()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("format", sorted(FILES))
def test_a_file_cut_anywhere_is_refused_or_loses_no_pixel(format):
    whole = FILES[format]
    pixels = decode(BytesIO(whole), preparation()).pixels
    for length in range(len(whole)):
        try:
            got = decode(BytesIO(whole[:length]), preparation())
        except Unreadable:
            continue
        assert np.array_equal(got.pixels, pixels), f"cut to {length} of {len(whole)} bytes"


# ---- size and digest ------------------------------------------------------------------

IMAGES = arrays(np.uint8, st.one_of(array_shapes(min_dims=2, max_dims=2, max_side=20))).map(
    lambda pixels: pixels[:, :, np.newaxis]
)
SIDES = st.integers(1, 40)


@given(IMAGES)
def test_resizing_to_the_same_size_is_identity(pixels):
    assert resize(pixels, *pixels.shape[:2]) is pixels


@given(IMAGES, SIDES, SIDES)
def test_resizing_never_leaves_the_range_of_the_picture(pixels, height, width):
    resized = resize(pixels, height, width)
    assert resized.shape == (height, width, 1)
    assert pixels.min() <= resized.min()
    assert resized.max() <= pixels.max()


def test_reducing_a_fine_pattern_gives_its_mean():
    checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, np.newaxis]
    middle = resize(checkers, 8, 8)[1:-1, 1:-1].astype(int)
    assert np.abs(middle - 127.5).max() < 3  # without antialiasing 0 or 255


def test_colour_is_resized_channel_by_channel():
    pixels = np.asarray(gradient())
    apart = [resize(pixels[:, :, c : c + 1], 10, 11) for c in range(3)]
    assert np.array_equal(resize(pixels, 10, 11), np.concatenate(apart, axis=2))


def test_a_picture_is_squashed_to_the_prepared_size():
    decoded = decode(encoded(gradient(), "PNG"), preparation(10, 7))
    assert decoded.pixels.shape == (10, 7, 3)
    assert (decoded.width, decoded.height) == (WIDTH, HEIGHT)


def test_the_digest_sees_pixels_and_not_the_file_format():
    digests = {decode(encoded(gradient(), f), preparation()).digest for f in ("PNG", "BMP", "PPM")}
    assert len(digests) == 1


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_the_digest_is_the_same_whatever_the_prepared_size(format):
    file = encoded(gradient(), format)
    sizes = preparation(5, 5), preparation(50, 60)
    assert len({decode(BytesIO(file.getvalue()), size).digest for size in sizes}) == 1


@given(IMAGES, st.data())
def test_the_digest_sees_one_changed_pixel(pixels, data):
    other = pixels.copy()
    row, column = (data.draw(st.integers(0, side - 1)) for side in pixels.shape[:2])
    other[row, column] ^= 1
    one = preparation(channels=1)
    assert fit(pixels, one).digest != fit(other, one).digest


def test_the_digest_sees_the_shape():
    pixels = np.zeros((2, 8, 1), np.uint8)
    one = preparation(channels=1)
    assert fit(pixels, one).digest != fit(pixels.reshape(4, 4, 1), one).digest


def test_grey_with_three_channels_is_three_copies():
    pixels = fit(np.array([[[7]]], np.uint8), preparation(1, 1)).pixels
    assert pixels.tolist() == [[[7, 7, 7]]]


def test_an_open_file_decodes_like_its_path_and_stays_open(tmp_path: Path):
    path = tmp_path / "picture.png"
    gradient().save(path)
    with path.open("rb") as file:
        assert decode(file, preparation()).digest == decode(path, preparation()).digest
        assert not file.closed
