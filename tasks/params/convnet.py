"""Parameters of a whitened convolutional network that is trained in one compiled loop."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params.muon import Muon
from tasks.params.strict import Count, NotNegative, Positive, Rate, Seed, Strict


class Whitening(Strict):
    """A first convolution that is computed from the images, not learned."""

    patch: Annotated[int, Field(ge=2)] = Field(description="pixels a side")
    images: Count = Field(description="the first so many are measured")
    epsilon: Positive = Field(description="added to the variance of each direction")
    bias_epochs: NotNegative = Field(description="epochs in which its bias learns")


class Sgd(Strict):
    """The optimiser of biases and head, on gradients that are summed over the batch."""

    bias_rate: Positive = Field(description="at first; falls along a line to 0")
    head_rate: Positive = Field(description="at first; falls along a line to 0")
    momentum: Rate
    weight_decay: NotNegative = Field(description="share of a weight per step, at first")


class Views(Strict):
    """Views of one picture whose logits are averaged, the unshifted ones with half the weight."""

    mirror: bool
    shifts: tuple[tuple[int, int], ...] = Field(description="pixels down and right")


class Convnet(Strict):
    """How a whitened convolutional network is trained."""

    model: Literal["convnet"]
    seed: Seed
    widths: tuple[Count, ...] = Field(min_length=1, description="of the blocks; each halves")
    convolutions: Count = Field(description="of each block")
    residual: bool = Field(description="a shortcut around all but a block's first convolution")
    activation: Literal["gelu", "silu", "relu"]
    whitening: Whitening
    norm_momentum: Rate = Field(description="of the running statistics of normalisation")
    epochs: Count
    batch_size: Count
    muon: Muon
    sgd: Sgd
    label_smoothing: Rate
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        description="of convolutions; auto: bfloat16 on a GPU"
    )
    device: Literal["auto", "cpu", "gpu"]
    test_time: Views

    @model_validator(mode="after")
    def a_shortcut_goes_around_something(self) -> Self:
        if self.residual and self.convolutions < 2:
            raise ValueError("expected at least 2 convolutions for a residual block, got 1")
        return self
