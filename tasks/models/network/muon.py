"""Muon in the operations of Keras: filters take orthogonal steps, all else takes Adam's.

The momentum of a convolution, seen as a matrix with a filter in each column, is replaced by an
orthogonal matrix close to it, so that a step moves all directions equally far, the rare ones, too
(Jordan et al. 2024, https://kellerjordan.github.io/posts/muon).
"""

from typing import Any

import keras
from keras import ops

from tasks.models.orthogonal import TINY, polynomials
from tasks.params import Optimizer

Tensor = Any


def orthogonalised(matrix: Tensor, steps: int) -> Tensor:
    """Bring the singular values of float32 (r, c) near 1; those far below the largest lag."""
    x = matrix / (ops.norm(matrix) + TINY)
    if x.shape[0] > x.shape[1]:
        return ops.transpose(polynomials(ops.transpose(x), steps, ops.transpose))
    return polynomials(x, steps, ops.transpose)


class MuonWithAdam(keras.optimizers.Adam):
    """Muon for variables of rank 4, float32 (height, width, in, out); Adam for all others.

    Both rates rise and fall together. Filters keep the norm of orthogonal ones: a normalisation
    has to follow them, so that their length says nothing but how far a step turns them.
    """

    def __init__(self, rate: Any, params: Optimizer, **others: Any) -> None:  # noqa: ANN401
        super().__init__(rate, **others)
        assert params.filters is not None  # noqa: S101 (narrows the type)
        self.filters = params.filters
        self.share = params.filters.learning_rate / params.learning_rate

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        """Move one variable."""
        if len(variable.shape) != 4:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        self.assign(momentum, self.filters.momentum * momentum + gradient)
        ahead = gradient + self.filters.momentum * momentum
        filters = variable.shape[-1]
        step = orthogonalised(ops.reshape(ahead, (-1, filters)), self.filters.newton_schulz_steps)
        length = ops.norm(ops.reshape(variable, (-1,))) / filters**0.5
        moved = variable / length - learning_rate * self.share * ops.reshape(step, variable.shape)
        self.assign(variable, moved)
