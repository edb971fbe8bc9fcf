"""Every number of the project: `params.yaml`, checked.

Frozen pydantic models refuse unknown keys and values out of range, and an error names the
line of the file. There are no default numbers here: what is not in the file is not done.
`python -m tasks.params` checks the file and writes the JSON schema that editors read.
"""

from tasks.params.architectures import Block, Cnn, Mlp, ResNet
from tasks.params.augment import Augment, Erase
from tasks.params.calibrate import Calibrate
from tasks.params.convnet import Convnet, Sgd, Views, Whitening
from tasks.params.datasets import Archive, Check, Dataset, Files, Local, Members, Prepare, Split
from tasks.params.file import (
    PARAMS,
    Evaluate,
    Experiment,
    Looks,
    Params,
    Published,
    load_params,
)
from tasks.params.muon import Muon
from tasks.params.perceptron import Perceptron
from tasks.params.promote import Promote
from tasks.params.strict import Strict
from tasks.params.train import (
    EarlyStopping,
    Neighbours,
    Network,
    Optimizer,
    Resolution,
    TestTime,
)

__all__ = [
    "PARAMS",
    "Archive",
    "Augment",
    "Block",
    "Calibrate",
    "Check",
    "Cnn",
    "Convnet",
    "Dataset",
    "EarlyStopping",
    "Erase",
    "Evaluate",
    "Experiment",
    "Files",
    "Local",
    "Looks",
    "Members",
    "Mlp",
    "Muon",
    "Neighbours",
    "Network",
    "Optimizer",
    "Params",
    "Perceptron",
    "Prepare",
    "Promote",
    "Published",
    "ResNet",
    "Resolution",
    "Sgd",
    "Split",
    "Strict",
    "TestTime",
    "Views",
    "Whitening",
    "load_params",
]
