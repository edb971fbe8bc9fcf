"""Where a run takes place, and in which precision."""

import os

import jax
from jax import numpy as jnp

from tasks.params import Convnet
from tasks.stage import StageError


def set_up(params: Convnet, threads: int) -> jax.Device:
    """Choose the device, and the threads of a CPU, before any array is made.

    Raises:
        StageError: if a GPU is asked for and there is none.
    """
    os.environ["NPROC"] = str(threads)  # read once, when XLA starts its pool for the CPU
    if params.device == "cpu":
        return jax.devices("cpu")[0]
    if params.device == "auto":
        return jax.devices()[0]
    try:
        return jax.devices("gpu")[0]
    except RuntimeError as error:
        raise StageError(
            f"device is 'gpu': expected JAX to find a GPU, got none: {str(error).splitlines()[0]} "
            "Run 'make jax-gpu', or set device to 'auto' or 'cpu' in params.yaml."
        ) from error


def precision(params: Convnet) -> jnp.dtype:
    """Return the type in which convolutions are computed here; all else is float32."""
    chosen = jax.config.jax_default_device or jax.devices()[0]
    short = params.precision == "bfloat16" or (
        params.precision == "auto" and chosen.platform == "gpu"
    )
    return jnp.dtype(jnp.bfloat16 if short else jnp.float32)
