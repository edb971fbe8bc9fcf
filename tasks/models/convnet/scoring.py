"""What a trained network says of many images, batch after batch in one compiled loop."""

import jax
from jax import Array, lax
from jax import numpy as jnp
from jaxtyping import Float32, UInt8

from tasks.models.convnet import net
from tasks.models.convnet.moves import moved
from tasks.models.convnet.net import Frozen, Statistics, Weights
from tasks.params import Convnet, Views

BATCH = 500  # images that are classified at a time


def of_views(
    frozen: Frozen, weights: Weights, statistics: Statistics, images: UInt8[Array, "b h w c"],
    params: Convnet, dtype: jnp.dtype, views: Views | None,
) -> Float32[Array, "b k"]:  # fmt: skip
    """Return logits averaged over views: the unshifted ones weigh as much as all the others."""
    rows = jnp.arange(len(images))

    def of(shift: tuple[int, int]) -> Array:
        shifts = jnp.broadcast_to(jnp.array(shift, jnp.int32), (len(images), 2))
        ways = [False, True] if views and views.mirror else [False]
        seen = [moved(images, rows, jnp.full(len(images), way), shifts, "reflect") for way in ways]
        said = [net.logits(frozen, weights, statistics, v, params, dtype)[0] for v in seen]
        return sum(said) / len(said)

    straight = of((0, 0))
    if not (views and views.shifts):
        return straight
    return 0.5 * straight + 0.5 * sum(of(shift) for shift in views.shifts) / len(views.shifts)


def all_logits(
    frozen: Frozen, weights: Weights, statistics: Statistics, images: UInt8[Array, "n h w c"],
    params: Convnet, dtype: jnp.dtype, views: Views | None,
) -> Float32[Array, "n k"]:  # fmt: skip
    """Return logits of any number of images; the last batch is filled with black ones."""
    batch = min(BATCH, len(images))
    missing = -len(images) % batch
    filled = jnp.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)))
    said = lax.map(
        lambda some: of_views(frozen, weights, statistics, some, params, dtype, views),
        filled.reshape(-1, batch, *images.shape[1:]),
    )
    return said.reshape(len(filled), -1)[: len(images)]


compiled = jax.jit(all_logits, static_argnames=("params", "dtype", "views"))
