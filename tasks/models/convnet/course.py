"""Whole epochs as one program: a loop over epochs around a loop over batches, compiled once.

Nothing leaves the device between the first batch and the last, and Python runs no step. The loop
may be called for one epoch at a time, to watch and to save, or for all; the bits are the same.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax import Array, lax
from jax import numpy as jnp
from jaxtyping import Float32, Int32, UInt8

from tasks.models.convnet import muon, net, whitening
from tasks.models.convnet.draws import Draws
from tasks.models.convnet.moves import coloured, covered, moved
from tasks.models.convnet.net import Frozen, Statistics, Weights
from tasks.params import Augment, Convnet


class Data(NamedTuple):
    """The training images on the device."""

    images: UInt8[Array, "n h w c"]
    labels: Int32[Array, "n"]


class State(NamedTuple):
    """All that one step hands to the next."""

    step: Int32[Array, ""]  # of the whole run, counted from 0
    weights: Weights
    momenta: Weights
    statistics: Statistics


class Seen(NamedTuple):
    """What was measured while learning, a number per epoch, means over its images."""

    loss: Float32[Array, "e"]
    accuracy: Float32[Array, "e"]


def measure(images: UInt8[Array, "n h w c"], params: Convnet) -> Frozen:
    """Return scaling and whitening."""
    first = images[: params.whitening.images].astype(jnp.float32)
    mean, deviation = whitening.moments(first)
    return Frozen(mean, deviation, whitening.filters((first - mean) / deviation, params.whitening))


def begin(params: Convnet, channels: int, classes: int) -> State:
    """Return the state before the first step, in memory."""
    weights = net.initial(params, channels, classes)
    resting = jax.tree.map(np.zeros_like, weights)
    return State(np.zeros((), np.int32), weights, resting, net.no_statistics(weights))


def cross_entropy(
    logits: Float32[Array, "b k"], labels: Int32[Array, "b"], smoothing: float
) -> Float32[Array, "b"]:
    """Return the loss of each image against its smoothed label."""
    says = jax.nn.log_softmax(logits)
    right = jnp.take_along_axis(says, labels[:, None], axis=1)[:, 0]
    return -(1.0 - smoothing) * right - smoothing * says.mean(axis=1)


def learned(
    state: State, images: Float32[Array, "b h w c"], labels: Int32[Array, "b"], frozen: Frozen,
    steps: int, params: Convnet, dtype: jnp.dtype,
) -> tuple[State, Seen]:  # fmt: skip
    """Return the state after one step of a run of `steps` steps an epoch."""

    def loss(weights: Weights) -> tuple[Array, tuple[Array, Statistics]]:
        logits, statistics = net.logits(frozen, weights, None, images, params, dtype)
        each = cross_entropy(logits, labels, params.label_smoothing)
        hits = (logits.argmax(axis=1) == labels).mean(dtype=jnp.float32)
        return each.sum(), (hits, statistics)

    (total, (hits, now)), gradients = jax.value_and_grad(loss, has_aux=True)(state.weights)
    weights, momenta = updated(state, gradients, steps, params, dtype)
    keep = params.norm_momentum
    statistics = jax.tree.map(
        lambda old, new: keep * old + (1.0 - keep) * new, state.statistics, now
    )
    return State(state.step + 1, weights, momenta, statistics), Seen(total / len(labels), hits)


def updated(
    state: State, gradients: Weights, steps: int, params: Convnet, dtype: jnp.dtype
) -> tuple[Weights, Weights]:
    """Return weights and momenta after one step: Muon for filters, Nesterov's for the rest."""
    weights, momenta, sgd = state.weights, state.momenta, params.sgd
    share = remaining(state.step, params.epochs * steps)
    whitening_share = remaining(state.step, params.whitening.bias_epochs * steps)
    filters, filter_momenta = muon.updated(
        weights.filters, gradients.filters, momenta.filters, share, params.muon, dtype
    )

    def plain(
        w: Array, gradient: Array, m: Array, rate: float, share: Array
    ) -> tuple[Array, Array]:
        gradient = gradient + sgd.weight_decay / rate * w
        m = sgd.momentum * m + gradient
        return w - rate * share * (gradient + sgd.momentum * m), m

    biases = [
        plain(*each, sgd.bias_rate, share)
        for each in zip(weights.biases, gradients.biases, momenta.biases, strict=True)
    ]
    white = plain(
        weights.whitening_bias, gradients.whitening_bias, momenta.whitening_bias,
        sgd.bias_rate, whitening_share,
    )  # fmt: skip
    head = plain(weights.head, gradients.head, momenta.head, sgd.head_rate, share)
    return (
        Weights(filters, tuple(b for b, _ in biases), white[0], head[0]),
        Weights(filter_momenta, tuple(m for _, m in biases), white[1], head[1]),
    )


def remaining(step: Int32[Array, ""], steps: float) -> Float32[Array, ""]:
    """Return the share of a learning rate that falls along a line to 0 after some steps."""
    if steps <= 0:
        return jnp.zeros((), jnp.float32)
    return jnp.maximum(0.0, 1.0 - step.astype(jnp.float32) / steps)


def steps_of(data: Data, params: Convnet) -> int:
    """Return the steps of an epoch; a last short batch is left out."""
    return len(data.labels) // min(params.batch_size, len(data.labels))


def epochs(
    state: State, data: Data, frozen: Frozen, draws: Draws, params: Convnet, changes: Augment,
    dtype: jnp.dtype,
) -> tuple[State, Seen]:  # fmt: skip
    """Train for as many epochs as were drawn."""
    batch, steps = min(params.batch_size, len(data.labels)), steps_of(data, params)

    def one_step(state: State, given: tuple[Array, Draws]) -> tuple[State, Seen]:
        rows, drawn = given
        images = moved(data.images, rows, drawn.flip, drawn.shift, changes.border)
        images = covered(coloured(images, drawn.colour), drawn.square, drawn.erased)
        return learned(state, images, data.labels[rows], frozen, steps, params, dtype)

    def one_epoch(state: State, drawn: Draws) -> tuple[State, Seen]:
        rows = drawn.order[: steps * batch].reshape(steps, batch)
        per_batch = jax.tree.map(lambda each: each[rows], drawn._replace(order=None))
        state, seen = lax.scan(one_step, state, (rows, per_batch))
        return state, jax.tree.map(partial(jnp.mean, axis=0), seen)

    return lax.scan(one_epoch, state, draws)


compiled_measure = jax.jit(measure, static_argnames="params")
compiled_epochs = jax.jit(
    epochs, static_argnames=("params", "changes", "dtype"), donate_argnames="state"
)
