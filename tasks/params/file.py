"""The file as a whole: read it, check it, and say on which line it is wrong."""

from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tasks.params.augment import Augment
from tasks.params.calibrate import Calibrate
from tasks.params.convnet import Convnet
from tasks.params.datasets import Dataset
from tasks.params.perceptron import Perceptron
from tasks.params.promote import Promote
from tasks.params.strict import SEEDS, Count, Name, OpenShare, Strict
from tasks.params.train import Neighbours, Network
from tasks.params.unique import UniqueKeys
from tasks.stage import StageError

T = TypeVar("T")

PARAMS = Path("params.yaml")


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
    train: Annotated[Network | Perceptron | Neighbours | Convnet, Field(discriminator="model")]
    repeats: Count = Field(description="seeds to train with: train.seed, and so many after it")

    @model_validator(mode="after")
    def seeds_stay_in_range(self) -> Self:
        if self.train.seed + self.repeats > SEEDS:
            raise ValueError(
                f"expected train.seed and repeats to end below {SEEDS:,}, "
                f"got {self.train.seed:,} and {self.repeats:,}"
            )
        return self

    @model_validator(mode="after")
    def neighbours_keep_pictures_as_they_are(self) -> Self:
        if self.train.model == "neighbours" and self.augment != Augment():
            raise ValueError("expected augment: {} with model 'neighbours', which augments nothing")
        return self


class Looks(Strict):
    """How many models may be scored on one test set."""

    warn: Count = Field(description="from so many on, evaluate warns")
    most: Count = Field(description="at so many, evaluate refuses a new one")


class Evaluate(Strict):
    """What is written about a scored model, and how often a test set may be looked at."""

    looks: Looks
    calibration_bins: Count
    mistakes: Count = Field(description="pictures of the worst mistakes")


class Params(Strict):
    """The whole file."""

    threads: Count = Field(description="of one operation; another number gives other bits")
    memory_mib: Count = Field(
        description="of bounds that a search for neighbours holds; changes no result"
    )
    calibrate: Calibrate
    evaluate: Evaluate
    promote: Promote
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
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise StageError(f"{path}:{line}: not UTF-8: {error.reason}. Save it as UTF-8.") from error
    try:
        values = yaml.load(text, UniqueKeys)
        return Params.model_validate(values)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise StageError(f"{path}:{line}: not valid YAML: {error.problem}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise StageError(f"{path}:{line}: not valid YAML: {error.reason}.") from error
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
