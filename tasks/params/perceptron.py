"""Parameters of a multilayer perceptron that is trained without a framework."""

from typing import Literal

from pydantic import Field

from tasks.params.strict import Count, NotNegative, Positive, Rate, Seed, Share, Strict


class Perceptron(Strict):
    """How a multilayer perceptron is trained, by stochastic gradients with Nesterov's momentum."""

    model: Literal["perceptron"]
    seed: Seed
    hidden: list[Count] = Field(min_length=1, description="units of each layer but the last")
    normalise: Literal["unit", "standard"] = Field(
        description="unit: 0..1; standard: mean 0 and deviation 1 over the training images"
    )
    epochs: Count
    batch_size: Count
    learning_rate: Positive = Field(description="the highest; falls along a line")
    warmup: Share = Field(description="share of the steps during which the rate rises")
    final_share: Share = Field(description="the last rate as a share of the highest")
    momentum: Rate
    weight_decay: NotNegative = Field(description="share of a weight that is added to its gradient")
    label_smoothing: Rate
