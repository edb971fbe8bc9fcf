"""Every number of the project: `params.yaml`, checked.

Frozen pydantic models refuse unknown keys and values out of range, and an error names the
line of the file. There are no default numbers here: what is not in the file is not done.
`python -m tasks.params` checks the file and writes the JSON schema that editors read.
"""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tasks.stage import StageError, errors_in_one_line, written

T = TypeVar("T")

PARAMS = Path("params.yaml")
SCHEMA = Path("params.schema.json")

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$")]


class Strict(BaseModel):
    """A frozen model that names the nearest known key when it meets an unknown one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, values: Any) -> Any:  # noqa: ANN401 (raw YAML)
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise PydanticCustomError("unknown_key", unknown(str(key), cls.model_fields))
        return values


def unknown(key: str, known: Any) -> Any:  # noqa: ANN401 (pydantic wants a LiteralString)
    """Say that a key is unknown, and which known one is nearest."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of: {', '.join(known)}."
    return f"unknown key '{key}': {hint}"


# ---- datasets -------------------------------------------------------------------------


class Files(Strict):
    """Files that are checked one by one."""

    kind: Literal["files"]
    watch: str = Field(description="a file or folder whose change makes `download` run again")
    mirror: str = Field(description="the folder of this dataset below DATASET_MIRROR")
    urls: list[str] = Field(min_length=1, description="folders to take the files from, in order")
    files: dict[str, Sha256] = Field(min_length=1)


class Members(Strict):
    """Members of an archive, checked together.

    The digest is the SHA-256 of the text that `sha256sum` prints for the members that
    match, sorted by name in byte order.
    """

    pattern: str
    sha256: Sha256


class Archive(Strict):
    """An archive whose members are checked, so that a mirror may pack them otherwise."""

    kind: Literal["archive"]
    watch: str = Field(description="a file or folder whose change makes `download` run again")
    mirror: str = Field(description="the folder of this dataset below DATASET_MIRROR")
    stem: str = Field(description="the archive's name in a mirror, without its endings")
    urls: list[str] = Field(min_length=1)
    members: dict[str, Sha256] | Members
    max_unpacked_mib: Count


class Local(Strict):
    """Pictures of one's own: a folder, zip or tar with a folder per class, at `watch`."""

    kind: Literal["local"]
    watch: str = Field(description="the folder, zip or tar; its change makes `download` run again")
    max_unpacked_mib: Count


class Prepare(Strict):
    """How raw data becomes an array."""

    reader: Literal["packaged", "idx", "cifar", "image_folder"]
    height: Count
    width: Count
    channels: Literal[1, 3]
    max_pixels: Count = Field(description="larger pictures are quarantined as bombs")
    max_quarantined: Share = Field(description="the stage stops above this share")


class Split(Strict):
    """How samples are assigned to train, val and test."""

    seed: Seed
    val: OpenShare
    test: OpenShare | None = Field(description="null where the authors give a test set")
    duplicates: Literal["warn", "drop_from_train", "fail"] = Field(
        description="what to do about training images that stand in test, too"
    )


class Dataset(Strict):
    """One dataset, from its source to its splits."""

    title: str
    source: Annotated[Files | Archive | Local, Field(discriminator="kind")]
    prepare: Prepare
    split: Split


# ---- experiments ----------------------------------------------------------------------


class Erase(Strict):
    """A square of random colour over a part of the picture."""

    probability: Share
    side: tuple[OpenShare, OpenShare] = Field(description="least and most, as shares of the side")


class Augment(Strict):
    """What may happen to a training image; an absent field does not happen."""

    border: Literal["reflect", "edge", "zero"] = "reflect"
    flip: Literal["random", "alternate"] | None = Field(
        None, description="alternate: random at first, then turned over every second epoch"
    )
    rotation_degrees: Annotated[float, Field(gt=0, le=180)] | None = None
    zoom: tuple[Positive, Positive] | None = Field(
        None, description="least and most magnification, one factor for both axes"
    )
    stretch: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="log of the most magnification of each axis by itself"
    )
    shear: Annotated[float, Field(gt=0, lt=1)] | None = None
    crop_area: tuple[OpenShare, Share] | None = Field(
        None, description="least and most share of the area that is kept"
    )
    crop_aspect: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="log of the most change of a crop's aspect"
    )
    shift_share: OpenShare | None = Field(None, description="of width and height, either way")
    shift_pixels: Positive | None = Field(None, description="pixels, either way")
    one_pixel_shifts: bool = Field(False, description="one pixel in one of 8 directions, or none")
    brightness: OpenShare | None = Field(None, description="share of 255 added, either way")
    contrast: OpenShare | None = Field(None, description="factor 1 ± this")
    tint: OpenShare | None = Field(None, description="share of 255 added per channel")
    saturation: OpenShare | None = Field(None, description="factor 1 ± this, colour only")
    noise: Positive | None = Field(None, description="standard deviation in 0..255")
    erase: Erase | None = None


class Mlp(Strict):
    """Dense layers; dropout before the last."""

    name: Literal["mlp"]
    hidden: list[Count] = Field(min_length=1)
    dropout: Annotated[float, Field(ge=0, lt=1)]


class Cnn(Strict):
    """Convolution and pooling in turn, then a dense layer."""

    name: Literal["cnn"]
    filters: list[Count] = Field(min_length=1)
    dropout: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        description="rate after each pooling, one per convolution"
    )
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
    dropout: Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Strict):
    """The optimiser and its learning rate over the whole run."""

    name: Literal["adam", "adamw", "sgd"]
    learning_rate: Positive
    schedule: Literal["constant", "linear", "cosine"]
    warmup: Share = Field(description="share of the steps during which the rate rises")
    final_share: Share = Field(description="the last rate as a share of the highest")
    weight_decay: NotNegative
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(description="first moment, or SGD's")
    second_moment: Annotated[float, Field(ge=0, lt=1)]


class Resolution(Strict):
    """From which point of the run to train at which size."""

    start: Annotated[float, Field(ge=0, lt=1)] = Field(description="share of the epochs")
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
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    mix: Share = Field(description="share of batches with MixUp or CutMix")
    resolutions: list[Resolution] = Field(description="empty: as prepared")
    early_stopping: EarlyStopping | None
    keep: Literal["best", "last"]
    weight_averaging: OpenShare | None = Field(description="momentum of the running mean")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    device: Literal["auto", "cpu", "gpu"]
    test_time: TestTime

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


class Published(Strict):
    """What the source of a recipe reports."""

    accuracy: OpenShare
    by: str
    scored_on: str = Field(description="the images the source scored, in words")


class Experiment(Strict):
    """One recipe on one dataset."""

    title: str
    dataset: Name
    published: Published | None
    augment: Augment
    train: Annotated[Network | Neighbours, Field(discriminator="model")]


class Evaluate(Strict):
    """What is written about a scored model."""

    calibration_bins: Count
    mistakes: Count = Field(description="pictures of the worst mistakes")


class Params(Strict):
    """The whole file."""

    threads: Count = Field(description="of one operation; another number gives other bits")
    evaluate: Evaluate
    datasets: dict[Name, Dataset]
    experiments: dict[Name, Experiment]

    @model_validator(mode="after")
    def experiments_name_known_datasets(self) -> Self:
        for name, experiment in self.experiments.items():
            if experiment.dataset not in self.datasets:
                raise PydanticCustomError(
                    "unknown_dataset",
                    f"experiment '{name}' has unknown dataset '{experiment.dataset}': expected "
                    f"one of {', '.join(self.datasets)}",
                )
        return self

    def dataset(self, name: str) -> Dataset:
        """Return one dataset.

        Raises:
            StageError: if the file has none of that name.
        """
        return entry(self.datasets, name, "dataset")

    def experiment(self, name: str) -> Experiment:
        """Return one experiment.

        Raises:
            StageError: if the file has none of that name.
        """
        return entry(self.experiments, name, "experiment")


def entry(entries: dict[str, T], name: str, what: str) -> T:
    """Look a name up, or say which names there are."""
    if name not in entries:
        raise StageError(f"unknown {what} '{name}': params.yaml has {', '.join(entries)}.")
    return entries[name]


def load_params(path: Path = PARAMS) -> Params:
    """Read and check the file.

    Raises:
        StageError: if it is missing, not YAML, or not as the models say; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StageError(f"no '{path}' here: run this in the root of the project.") from None
    try:
        values = yaml.safe_load(text)
        return Params.model_validate(values)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise StageError(f"{path}:{line}: not valid YAML: {error.problem}.") from error
    except ValidationError as error:
        tree = yaml.compose(text) or yaml.ScalarNode("", "", yaml.Mark("", 0, 0, 0, None, 0))
        raise StageError("; ".join(describe(path, tree, e) for e in error.errors())) from error


def describe(path: Path, tree: yaml.Node, error: Any) -> str:  # noqa: ANN401 (ErrorDetails)
    """Say in one line what is wrong with one value, where, and what it was."""
    keys, line = locate(tree, error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    got = error["input"]
    if error["type"] in {"unknown_key", "unknown_dataset", "missing", "value_error"}:
        got = ""
    else:
        got = f", got {got!r}"
    return f"{path}:{line}: {'.'.join(keys) or 'the file'}: {message}{got}"


def locate(node: yaml.Node, loc: tuple[int | str, ...]) -> tuple[list[str], int]:
    """Return the path of a value in the file and its line, counted from 1.

    Pydantic's locations also hold the tags of unions, which the file does not have.
    """
    keys: list[str] = []
    line = node.start_mark.line + 1
    for step in loc:
        below: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    line, below = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and step in range(len(node.value)):
            below = node.value[int(step)]
            line = below.start_mark.line + 1
        if below is not None:
            keys.append(str(step))
            node = below
        elif step == loc[-1]:
            keys.append(str(step))
    return keys, line


if __name__ == "__main__":
    with errors_in_one_line():
        load_params()
        written(SCHEMA, json.dumps(Params.model_json_schema(), indent=2) + "\n")
        print(f"{PARAMS} is valid; wrote {SCHEMA}.")
