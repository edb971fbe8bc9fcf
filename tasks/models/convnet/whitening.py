"""Filters that whiten: what comes out of them has no correlations and unit variance.

The patches of natural pictures are strongly correlated, which makes a first layer slow to
learn. Its filters can be computed instead: the eigenvectors of the patches' second moments,
each divided by the root of its eigenvalue (principal components whitening; as a first layer in
Page 2018, https://github.com/davidcpage/cifar10-fast, and with negated copies, so that ReLU-like
activations lose nothing, in Jordan 2024, https://arxiv.org/abs/2404.00498).
"""

from jax import Array, lax
from jax import numpy as jnp
from jaxtyping import Float

from tasks.params import Whitening

LAYOUT = ("NHWC", "HWIO", "NHWC")


def moments(images: Float[Array, "n h w c"]) -> tuple[Float[Array, "c"], Float[Array, "c"]]:
    """Return mean and deviation per channel, image by image first, which loses fewer digits."""
    mean = images.mean(axis=(1, 2)).mean(axis=0)
    variance = jnp.square(images - mean).mean(axis=(1, 2)).mean(axis=0)
    return mean, jnp.sqrt(jnp.maximum(variance, 1.0))  # at least one step of 0..255


def patches(images: Float[Array, "n h w c"], side: int) -> Float[Array, "m d"]:
    """Return all patches, d = side * side * c, in the order of a filter's weights."""
    height, width = images.shape[1] - side + 1, images.shape[2] - side + 1
    corners = [images[:, y : y + height, x : x + width] for y in range(side) for x in range(side)]
    return jnp.concatenate(corners, axis=-1).reshape(-1, side * side * images.shape[3])


def filters(images: Float[Array, "n h w c"], params: Whitening) -> Float[Array, "p p c f"]:
    """Return filters and their negatives, f = 2 * p * p * c, the strongest directions last.

    Args:
        images: scaled to mean 0 and deviation 1.
        params: epsilon bounds how much a direction with next to no variance is magnified.
    """
    seen = patches(images[: params.images], params.patch)
    second_moments = jnp.matmul(seen.T, seen, precision=lax.Precision.HIGHEST) / len(seen)
    variances, directions = jnp.linalg.eigh(second_moments)
    scaled = directions / jnp.sqrt(variances + params.epsilon)  # a column per filter
    both = jnp.concatenate([scaled, -scaled], axis=1)
    return both.reshape(params.patch, params.patch, images.shape[3], -1)
