"""Optimisers and the learning rate over the steps of a run."""

from typing import Any

import keras
from keras import ops

from tasks.models.network.muon import MuonWithAdam
from tasks.params import Optimizer


class WarmThenFall(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to the highest rate, then fall along a line or half a cosine.

    "One cycle" after Smith 2018 (https://arxiv.org/abs/1803.09820) and cosine annealing
    after Loshchilov and Hutter 2017 (https://arxiv.org/abs/1608.03983).
    """

    FIRST = 0.05  # the first rate as a share of the highest, where there is a warm-up

    def __init__(self, params: Optimizer, steps: int) -> None:
        self.params, self.steps = params, steps

    def __call__(self, step: Any) -> Any:  # noqa: ANN401 (a tensor of the backend)
        """Return the rate of one step, counted from 0."""
        warm = max(self.params.warmup * self.steps, 1e-9)
        step = ops.cast(step, "float32")
        rising = self.FIRST + (1.0 - self.FIRST) * step / warm
        done = ops.clip((step - warm) / max(self.steps - warm, 1.0), 0.0, 1.0)
        return self.params.learning_rate * ops.where(step < warm, rising, self.falling(done))

    def falling(self, done: Any) -> Any:  # noqa: ANN401
        """Return the share of the highest rate when a share of the fall is done."""
        if self.params.schedule == "constant":
            return ops.ones_like(done)
        left = (
            1.0 - done
            if self.params.schedule == "linear"
            else 0.5 + 0.5 * ops.cos(3.14159265 * done)
        )
        return self.params.final_share + (1.0 - self.params.final_share) * left

    def get_config(self) -> dict[str, Any]:
        """Return what Keras would store."""
        return {"params": self.params.model_dump(), "steps": self.steps}


def optimiser(params: Optimizer, steps: int, model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimiser of one run of `steps` steps.

    Weight decay is decoupled (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101)
    and spares biases, normalisation, and filters that Muon moves.
    """
    made = with_decay(params, WarmThenFall(params, steps))
    spared = {0, 1, 4} if params.filters else {0, 1}
    made.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) in spared])
    return made


def with_decay(params: Optimizer, rate: WarmThenFall) -> keras.optimizers.Optimizer:
    """Return the optimiser as if all variables were to decay."""
    decay = params.weight_decay or None
    if params.name == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=params.momentum, nesterov=True, weight_decay=decay
        )
    how = {
        "beta_1": params.momentum,
        "beta_2": params.second_moment,
        "epsilon": 1e-7 if params.name == "adam" else 1e-8,
        "weight_decay": decay,
    }
    if params.filters:
        return MuonWithAdam(rate, params, **how)
    return keras.optimizers.Adam(rate, **how)
