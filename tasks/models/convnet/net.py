"""The network: a whitening convolution, blocks that halve, the maximum over places, a head.

Each block is a 3x3 convolution, 2x2 maximum pooling and normalisation, then more convolutions
with normalisation; it may have a shortcut around these. Normalisation has a bias and no scale.
"""

import math
from typing import NamedTuple

import jax
import numpy as np
from jax import Array, lax
from jax import numpy as jnp
from jaxtyping import Float, Float32

from tasks.models.convnet.whitening import LAYOUT
from tasks.params import Convnet
from tasks.stage import StageError

EPSILON = 1e-5  # added to the variance of a channel
ACTIVATIONS = {"gelu": jax.nn.gelu, "silu": jax.nn.silu, "relu": jax.nn.relu}

Vectors = tuple[Float32[Array, "w"], ...]  # here and below, on the device or in memory


class Frozen(NamedTuple):
    """What is computed from the training images once."""

    mean: Float32[Array, "c"]
    deviation: Float32[Array, "c"]
    whitening: Float32[Array, "p p c f"]


class Weights(NamedTuple):
    """What is learned."""

    filters: tuple[Float32[Array, "3 3 i o"], ...]  # one per convolution, in order
    biases: Vectors  # likewise, of their normalisations
    whitening_bias: Float32[Array, "f"]
    head: Float32[Array, "w k"]


class Statistics(NamedTuple):
    """What normalisation uses outside of training, one per convolution."""

    mean: Vectors
    variance: Vectors


def check(params: Convnet, shape: tuple[int, ...]) -> None:
    """Refuse images that are too small for the blocks.

    Raises:
        StageError: if nothing would be left after halving them.
    """
    least = 2 ** len(params.widths) + params.whitening.patch - 1
    if min(shape[:2]) < least:
        raise StageError(
            f"images are too small for {len(params.widths)} widths, each of which halves them: "
            f"expected at least {least} pixels a side, got {shape[0]}x{shape[1]}. Remove some of "
            "widths in params.yaml."
        )


def initial(params: Convnet, channels: int, classes: int) -> Weights:
    """Return weights at the start, in memory.

    The first filters of a layer hand their channel on (as in Jordan 2024), so that nothing is
    lost on the way to the head; the others are uniform, with the deviation that PyTorch's
    convolutions have at first.

    Args:
        params: of the training.
        channels: of the images.
        classes: at least 2.
    """
    rng = np.random.default_rng(params.seed)
    into = 2 * params.whitening.patch**2 * channels
    whitening_bias = np.zeros(into, np.float32)
    filters = []
    for width in (width for width in params.widths for _ in range(params.convolutions)):
        filters.append(kernel(rng, into, width))
        into = width
    biases = tuple(np.zeros(f.shape[-1], np.float32) for f in filters)
    head = rng.uniform(-math.sqrt(3), math.sqrt(3), (into, classes)).astype(np.float32)
    return Weights(tuple(filters), biases, whitening_bias, head)


def kernel(rng: np.random.Generator, into: int, out: int) -> Float32[np.ndarray, "3 3 i o"]:
    """Return filters of which the first ones hand their channel on."""
    bound = 1.0 / math.sqrt(9 * into)
    drawn = rng.uniform(-bound, bound, (3, 3, into, out)).astype(np.float32)
    same = np.arange(min(into, out))
    drawn[..., same] = 0.0
    drawn[1, 1, same, same] = 1.0
    return drawn


def no_statistics(weights: Weights) -> Statistics:
    """Return running statistics at the start: mean 0, variance 1."""
    zeros = tuple(np.zeros_like(bias) for bias in weights.biases)
    return Statistics(zeros, tuple(np.ones_like(bias) for bias in weights.biases))


def convolved(x: Float[Array, "b h w i"], kernel: Array, padding: str) -> Float[Array, "b y x o"]:
    """Convolve in the precision of the images."""
    kernel = kernel.astype(x.dtype)
    return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=LAYOUT)


def halved(x: Float[Array, "b h w c"]) -> Float[Array, "b y x c"]:
    """Return the largest of each 2x2 values; an odd last row or column is left out."""
    height, width = x.shape[1] // 2, x.shape[2] // 2
    squares = x[:, : 2 * height, : 2 * width].reshape(len(x), height, 2, width, 2, -1)
    return squares.max(axis=(2, 4))


def logits(
    frozen: Frozen, weights: Weights, statistics: Statistics | None,
    images: Float32[Array, "b h w c"], params: Convnet, dtype: jnp.dtype,
) -> tuple[Float32[Array, "b k"], Statistics]:  # fmt: skip
    """Return logits, and the statistics that they were normalised by.

    Args:
        frozen: whitening.
        weights: what is learned.
        statistics: to normalise by; None: those of this very batch, as in training.
        images: pixels in 0..255.
        params: of the training.
        dtype: in which convolutions are computed.
    """
    active = ACTIVATIONS[params.activation]
    means: list[Array] = []
    variances: list[Array] = []
    x = ((images - frozen.mean) / frozen.deviation).astype(dtype)
    x = active(convolved(x, frozen.whitening, "VALID") + weights.whitening_bias.astype(dtype))
    shortcut = x
    for number, (filters, bias) in enumerate(zip(weights.filters, weights.biases, strict=True)):
        place = number % params.convolutions
        x = convolved(x, filters, "SAME")
        x = (halved(x) if place == 0 else x).astype(jnp.float32)
        mean = statistics.mean[number] if statistics else x.mean(axis=(0, 1, 2))
        variance = statistics.variance[number] if statistics else x.var(axis=(0, 1, 2))
        x = ((x - mean) * lax.rsqrt(variance + EPSILON) + bias).astype(dtype)
        if params.residual and place == params.convolutions - 1:
            x = x + shortcut
        x = active(x)
        shortcut = x if place == 0 else shortcut
        means.append(mean)
        variances.append(variance)
    highest = x.max(axis=(1, 2)).astype(jnp.float32)
    said = highest @ weights.head / weights.head.shape[0]
    return said, Statistics(tuple(means), tuple(variances))
