"""Parameters of training: of a network, or of nearest neighbours."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params.architectures import Cnn, Mlp, ResNet
from tasks.params.muon import Muon
from tasks.params.strict import Count, NotNegative, OpenShare, Positive, Rate, Seed, Share, Strict


class Optimizer(Strict):
    """The optimiser and its learning rate over the whole run."""

    name: Literal["adam", "adamw", "sgd"]
    learning_rate: Positive
    schedule: Literal["constant", "linear", "cosine"]
    warmup: Share = Field(description="share of the steps during which the rate rises")
    final_share: Share = Field(description="the last rate as a share of the highest")
    weight_decay: NotNegative
    momentum: Rate = Field(description="first moment, or SGD's")
    second_moment: Rate
    filters: Muon | None = Field(
        None,
        exclude_if=lambda muon: muon is None,  # recipes of older models do not know it
        description="of convolutions; null: as all else learns; otherwise Muon",
    )

    @model_validator(mode="after")
    def what_is_no_filter_takes_adam(self) -> Self:
        if self.filters and self.name == "sgd":
            raise ValueError("expected name 'adam' or 'adamw' beside filters, got 'sgd'")
        return self


class Resolution(Strict):
    """From which point of the run to train at which size."""

    start: Rate = Field(description="share of the epochs")
    size: Count = Field(description="pixels a side, what the network sees")
    source: Count = Field(description="pixels a side, what augmentation samples from")


class EarlyStopping(Strict):
    """Stop when val has not improved for a while."""

    monitor: Literal["val_loss", "val_accuracy"]
    patience: Count = Field(description="epochs")


class TestTime(Strict):
    """Views of one picture whose probabilities are averaged."""

    mirror: bool
    shifts: list[tuple[int, int]] = Field(description="pixels down and right, beside (0, 0)")
    size: Count | None = Field(description="pixels a side; null: as prepared")


class Network(Strict):
    """How a network is trained."""

    model: Literal["network"]
    seed: Seed
    architecture: Annotated[Mlp | Cnn | ResNet, Field(discriminator="name")]
    normalise: Literal["unit", "standard"] = Field(
        description="unit: 0..1; standard: mean 0 and deviation 1 over the training images"
    )
    head: Literal["logit", "softmax"] = Field(description="logit: one output, two classes")
    epochs: Count
    batch_size: Count
    optimizer: Optimizer
    label_smoothing: Rate
    mix: Share = Field(description="share of batches with MixUp or CutMix")
    resolutions: list[Resolution] = Field(description="empty: as prepared")
    early_stopping: EarlyStopping | None
    keep: Literal["best", "last"]
    weight_averaging: OpenShare | None = Field(description="momentum of the running mean")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    device: Literal["auto", "cpu", "gpu"]
    augment_on: Literal["host", "device"] = Field(
        "host",
        exclude_if="host".__eq__,  # recipes of older models do not know it
        description="device: as part of the training step, for a GPU; rounds a little otherwise",
    )
    test_time: TestTime

    @model_validator(mode="after")
    def muon_comes_before_a_normalisation(self) -> Self:
        if self.optimizer.filters and self.architecture.name != "resnet":
            raise ValueError(
                "expected architecture 'resnet' where optimizer.filters are given, for Muon needs "
                f"a normalisation behind each convolution, got '{self.architecture.name}'"
            )
        return self

    @model_validator(mode="after")
    def resolutions_start_at_the_start(self) -> Self:
        starts = [resolution.start for resolution in self.resolutions]
        if starts and (starts[0] != 0 or starts != sorted(set(starts))):
            raise ValueError(f"expected resolutions to start at 0 and to ascend, got {starts}")
        return self


class Neighbours(Strict):
    """How the number of neighbours and the metric are chosen."""

    model: Literal["neighbours"]
    seed: Seed
    metrics: list[Literal["L1", "L2"]] = Field(min_length=1)
    ks: list[Annotated[int, Field(ge=1, le=100)]] = Field(min_length=1)
    folds: Annotated[int, Field(ge=2, le=20)]
