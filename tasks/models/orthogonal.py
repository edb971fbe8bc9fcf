"""The orthogonal matrix that is near a matrix, by products of matrices alone, in any library.

An odd polynomial of a matrix is the same polynomial of its singular values; a few rounds of one
that drives (0, 1] towards 1 serve in place of a singular value decomposition (the iteration of
Newton and Schulz; its use and these factors: Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon).
"""

from collections.abc import Callable
from typing import Any

Matrices = Any  # of numpy, JAX or a backend of Keras

# Of x, x^3 and x^5: steepest at 0, at the price of ending in 0.7..1.2 only.
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315
TINY = 1e-7  # keeps a matrix of nothing but zeros from being divided by its norm


def polynomials(x: Matrices, steps: int, transposed: Callable[[Matrices], Matrices]) -> Matrices:
    """Bring singular values in 0..1 near 1; those far below the largest lag behind.

    Args:
        x: of shape (..., r, c), quickest with r <= c.
        steps: how often the polynomial is applied.
        transposed: turns (..., r, c) into (..., c, r).
    """
    for _ in range(steps):
        gram = x @ transposed(x)
        x = LINEAR * x + (CUBIC * gram + QUINTIC * (gram @ gram)) @ x
    return x
