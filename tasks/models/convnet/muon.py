"""Muon: momentum whose every step is made orthogonal.

The momentum of a layer's filters, seen as a matrix, is replaced by the orthogonal matrix that is
nearest to it, so a step moves all directions equally far, the rare ones, too (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon). The matrices of all layers are padded with zeros to one
shape and are made orthogonal together: zeros are singular values that stay zero.
"""

from jax import Array
from jax import numpy as jnp
from jaxtyping import Float

from tasks.models.orthogonal import TINY, polynomials
from tasks.params import Muon

Kernels = tuple[Float[Array, "_ _ _ _"], ...]  # (side, side, in, out)


def orthogonalised(
    matrices: Float[Array, "n r c"], steps: int, dtype: jnp.dtype
) -> Float[Array, "n r c"]:
    """Bring the singular values of matrices near 1; those far below the largest lag behind."""
    norms = jnp.sqrt(jnp.square(matrices).sum(axis=(1, 2), keepdims=True))
    x = (matrices / (norms + TINY)).astype(dtype)
    return polynomials(x, steps, jnp.matrix_transpose).astype(matrices.dtype)


def as_matrix(kernel: Float[Array, "k k i o"]) -> Float[Array, "o d"]:
    """Return filters as rows."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def together(kernels: Kernels, steps: int, dtype: jnp.dtype) -> Kernels:
    """Orthogonalise each of several filter banks."""
    matrices = [as_matrix(kernel) for kernel in kernels]
    rows, columns = (max(m.shape[axis] for m in matrices) for axis in (0, 1))
    padded = [jnp.pad(m, ((0, rows - m.shape[0]), (0, columns - m.shape[1]))) for m in matrices]
    done = orthogonalised(jnp.stack(padded), steps, dtype)
    return tuple(
        d[: m.shape[0], : m.shape[1]].T.reshape(kernel.shape)
        for d, m, kernel in zip(done, matrices, kernels, strict=True)
    )


def updated(
    kernels: Kernels, gradients: Kernels, momenta: Kernels, share: Float[Array, ""],
    params: Muon, dtype: jnp.dtype,
) -> tuple[Kernels, Kernels]:  # fmt: skip
    """Return filters and momenta after one step.

    Filters keep the norm of orthogonal ones: normalisation follows them, so that their length
    says nothing but how far a step turns them. `share` is that of the learning rate, in 0..1;
    matrices are multiplied in `dtype`.
    """
    momenta = tuple(params.momentum * m + g for m, g in zip(momenta, gradients, strict=True))
    ahead = tuple(g + params.momentum * m for m, g in zip(momenta, gradients, strict=True))
    steps = together(ahead, params.newton_schulz_steps, dtype)
    moved = tuple(
        kernel * (jnp.sqrt(kernel.shape[-1]) / jnp.linalg.norm(kernel))
        - params.learning_rate * share * step
        for kernel, step in zip(kernels, steps, strict=True)
    )
    return moved, momenta
