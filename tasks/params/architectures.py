"""Parameters of the networks' shapes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params.strict import Count, Rate, Strict


class Mlp(Strict):
    """Dense layers; dropout before the last."""

    name: Literal["mlp"]
    hidden: list[Count] = Field(min_length=1)
    dropout: Rate


class Cnn(Strict):
    """Convolution and pooling in turn, then a dense layer."""

    name: Literal["cnn"]
    filters: list[Count] = Field(min_length=1)
    dropout: list[Rate] = Field(description="rate after each pooling, one per convolution")
    dense: Count

    @model_validator(mode="after")
    def one_dropout_per_convolution(self) -> Self:
        if len(self.dropout) != len(self.filters):
            raise ValueError(
                f"expected a dropout rate for each of the {len(self.filters)} convolutions, "
                f"got {len(self.dropout)}"
            )
        return self


class Block(Strict):
    """One block of the residual network: a first convolution, then more of the same width."""

    width: Count
    downsample: Literal["none", "stride", "pool"]
    convolutions: Annotated[int, Field(ge=0)] = Field(description="after the first one")
    residual: bool


class ResNet(Strict):
    """A small network of blocks with batch normalisation and global pooling."""

    name: Literal["resnet"]
    stem_width: Count
    stem_kernel: Count
    stem_stride: Count
    blocks: list[Block] = Field(min_length=1)
    pooling: Literal["max", "mean", "both"]
    dropout: Rate
