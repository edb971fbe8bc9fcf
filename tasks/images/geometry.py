"""Where the pixels of an augmented image come from: every move of it, in one affine map."""

import numpy as np
from jaxtyping import Float64, UInt64

from tasks.images.randomness import Purpose, either_way, uniform
from tasks.params import Augment

Numbers = Float64[np.ndarray, "n"]
Matrices = Float64[np.ndarray, "n 3 3"]


def affine(
    key: UInt64[np.ndarray, "n"],
    once: UInt64[np.ndarray, "n"],
    params: Augment,
    epoch: int,
    source: tuple[int, ...],
    size: tuple[int, int],
) -> Float64[np.ndarray, "n 2 3"]:
    """Compose every move into one map from output pixels to source pixels.

    Read from the right: centre, shift, stretch to the source's size, crop, zoom and flip,
    shear, rotate, back from the centre. What the parameters leave out would be multiplied by
    the identity, which changes no bit.
    """
    (height, width), (out_height, out_width) = source, size
    one, zero = np.ones(len(key)), np.zeros(len(key))
    steps = [matrices(one, zero, zero, one, (width - 1) / 2 * one, (height - 1) / 2 * one)]
    if params.rotation_degrees:
        angle = np.deg2rad(either_way(key, Purpose.ROTATION, params.rotation_degrees))
        turn = (np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
        steps.append(matrices(*turn, zero, zero))
    if params.shear:
        slant = either_way(key, Purpose.SHEAR, params.shear)
        steps.append(matrices(one, slant, zero, one, zero, zero))
    if params.flip or params.zoom or params.stretch:
        enlarged = zoom(key, params)
        zoom_x = np.exp(-either_way(key, Purpose.STRETCH_X, params.stretch)) / enlarged
        zoom_y = np.exp(-either_way(key, Purpose.STRETCH_Y, params.stretch)) / enlarged
        flip = np.where(flipped(key, once, params, epoch), -1.0, 1.0)
        steps.append(matrices(flip * zoom_x, zero, zero, zoom_y, zero, zero))
    if params.crop_area:
        scale_x, scale_y, offset_x, offset_y = crop(key, params)
        steps.append(matrices(scale_x, zero, zero, scale_y, offset_x * width, offset_y * height))
    if (height, width) != (out_height, out_width):
        stretch_x, stretch_y = width / out_width * one, height / out_height * one
        steps.append(matrices(stretch_x, zero, zero, stretch_y, zero, zero))
    shift_x, shift_y = shift(key, params, size)
    left, up = -(out_width - 1) / 2 - shift_x, -(out_height - 1) / 2 - shift_y
    steps.append(matrices(one, zero, zero, one, left, up))
    composed = steps[0]
    for step in steps[1:]:
        composed = composed @ step
    return np.ascontiguousarray(composed[:, :2])


def matrices(
    xx: Numbers, xy: Numbers, yx: Numbers, yy: Numbers, x: Numbers, y: Numbers
) -> Matrices:
    """Stack n affine maps as 3x3 matrices."""
    out = np.zeros((len(xx), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = xx, xy, x
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = yx, yy, y
    out[:, 2, 2] = 1.0
    return out


def shift(
    key: UInt64[np.ndarray, "n"], params: Augment, size: tuple[int, int]
) -> tuple[Numbers, Numbers]:
    """Draw how far pictures move right and down, in output pixels."""
    share, pixels = params.shift_share or 0.0, params.shift_pixels or 0.0
    right = either_way(key, Purpose.SHIFT_X, share * size[1] + pixels)
    down = either_way(key, Purpose.SHIFT_Y, share * size[0] + pixels)
    if params.padded_crop:
        border = float(params.padded_crop)
        right = right + np.floor(uniform(key, Purpose.PADDED_CROP_X, -border, border + 1))
        down = down + np.floor(uniform(key, Purpose.PADDED_CROP_Y, -border, border + 1))
    if params.one_pixel_shifts:
        ninth = np.floor(uniform(key, Purpose.DIRECTION, 0.0, 9.0))
        right, down = right + ninth % 3 - 1, down + ninth // 3 - 1
    return right, down


def zoom(key: UInt64[np.ndarray, "n"], params: Augment) -> Numbers:
    """Draw by how much pictures are magnified."""
    if params.zoom is None:
        return np.ones(len(key))
    return uniform(key, Purpose.ZOOM, *params.zoom)


def crop(
    key: UInt64[np.ndarray, "n"], params: Augment
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Draw the part that is kept: its width and height, and its centre's offset, as shares."""
    area = uniform(key, Purpose.CROP_AREA, *(params.crop_area or (1.0, 1.0)))
    aspect = np.exp(either_way(key, Purpose.CROP_ASPECT, params.crop_aspect))
    width = np.minimum(np.sqrt(area * aspect), 1.0)
    height = np.minimum(np.sqrt(area / aspect), 1.0)
    right = (1.0 - width) * uniform(key, Purpose.CROP_X, -0.5, 0.5)
    down = (1.0 - height) * uniform(key, Purpose.CROP_Y, -0.5, 0.5)
    return width, height, right, down


def flipped(
    key: UInt64[np.ndarray, "n"], once: UInt64[np.ndarray, "n"], params: Augment, epoch: int
) -> np.ndarray:
    """Say which images are mirrored in this epoch."""
    if params.flip is None:
        return np.zeros(len(key), bool)
    if params.flip == "random":
        return uniform(key, Purpose.FLIP) < 0.5
    return (uniform(once, Purpose.FLIP) < 0.5) ^ bool(epoch % 2)
