"""Move, colour and erase images on the device, by whole pixels: one gather, no interpolation.

The pixels are those of `tasks.images.augmentation`, which is the oracle in the tests.
"""

from jax import Array
from jax import numpy as jnp
from jaxtyping import Bool, Float32, Int, UInt8

Images = Float32[Array, "b h w c"]
Border = str  # of `Augment`


def source(position: Int[Array, "..."], length: int, border: Border) -> Int[Array, "..."]:
    """Return the row or column to read instead of one that may lie outside."""
    if border != "reflect" or length == 1:
        return jnp.clip(position, 0, length - 1)
    period = 2 * (length - 1)  # the edge itself is not repeated
    position = position % period
    return jnp.minimum(position, period - position)


def moved(
    images: UInt8[Array, "n h w c"],
    rows: Int[Array, "b"],
    flip: Bool[Array, "b"] | None,
    shift: Int[Array, "b 2"] | None,
    border: Border,
) -> Images:
    """Return some of the images, mirrored and shifted, as pixels in 0..255.

    Args:
        images: all of them, on the device.
        rows: which ones.
        flip: whether each is mirrored, after the shift.
        shift: pixels down and right.
        border: what is seen outside of an image.
    """
    if flip is None and shift is None:
        return images[rows].astype(jnp.float32)
    height, width = images.shape[1:3]
    down, right = (shift[:, 0], shift[:, 1]) if shift is not None else (rows * 0, rows * 0)
    y = jnp.arange(height) - down[:, None]
    x = jnp.arange(width) - right[:, None]
    if flip is not None:
        x = jnp.where(flip[:, None], width - 1 - x, x)
    from_y, from_x = source(y, height, border), source(x, width, border)
    pixels = images[rows[:, None, None], from_y[:, :, None], from_x[:, None, :]]
    pixels = pixels.astype(jnp.float32)
    if border != "zero":
        return pixels
    inside = ((y == from_y)[:, :, None] & (x == from_x)[:, None, :])[..., None]
    return jnp.where(inside, pixels, 0.0)


def coloured(images: Images, colour: Float32[Array, "b k"] | None) -> Images:
    """Change saturation, contrast, brightness and tint; see `Draws`."""
    if colour is None:
        return images
    factor, summand, saturation = jnp.split(colour[:, None, None, :], [1, colour.shape[1] - 1], -1)
    grey = images.mean(axis=-1, keepdims=True)
    images = grey + (images - grey) * saturation
    return jnp.clip(images * factor + summand, 0.0, 255.0)


def covered(
    images: Images, square: Int[Array, "b 4"] | None, colour: Float32[Array, "b c"] | None
) -> Images:
    """Cover a square of each image with one colour; see `Draws`."""
    if square is None or colour is None:
        return images
    left, top, right, bottom = (square[:, i, None] for i in range(4))
    y, x = jnp.arange(images.shape[1]), jnp.arange(images.shape[2])
    in_rows, in_columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    inside = (in_rows[:, :, None] & in_columns[:, None, :])[..., None]
    return jnp.where(inside, colour[:, None, None, :], images)
