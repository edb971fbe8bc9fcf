"""Show what augmentation makes of training images, before hours are spent on it.

    python -m tasks.augment mnist_cnn

Each band of the contact sheet is one class; its first column holds originals, the others
show the same pictures as the first epochs of training will see them.
"""

import numpy as np
from jaxtyping import UInt8

from tasks.images.augmentation import augment
from tasks.images.decode import resize
from tasks.images.samples import Rows, train_rows
from tasks.images.sheet import band, stacked
from tasks.params import Experiment, Network, load_params
from tasks.stage import AUGMENTED, replacing
from tasks.stage.command import main

ORIGINALS = 5  # per class
VERSIONS = 7  # of each original
MOST_CLASSES = 20  # on one sheet
ONE_COLUMN = 4  # classes that still fit below each other


def examples(rows: Rows, label: int) -> np.ndarray:
    """Return the rows' positions of a few pictures of one class."""
    return np.flatnonzero(rows.labels == label)[:ORIGINALS]


def sizes(experiment: Experiment, rows: Rows) -> tuple[int, int, int, int]:
    """Return the height and width that augmentation reads, and those that it writes."""
    height, width = rows.images.shape[1:3]
    if isinstance(experiment.train, Network) and experiment.train.resolutions:
        last = experiment.train.resolutions[-1]
        return last.source, last.source, last.size, last.size
    return height, width, height, width


def versions(
    pixels: UInt8[np.ndarray, "h w c"], index: int, experiment: Experiment, rows: Rows
) -> list[UInt8[np.ndarray, "height width c"]]:
    """Return a picture as the first epochs will see it."""
    height, width, out_height, out_width = sizes(experiment, rows)
    source = resize(pixels, height, width)[None]
    return [
        augment(
            source,
            np.array([index]),
            experiment.augment,
            seed=experiment.train.seed,
            epoch=epoch,
            size=(out_height, out_width),
        )[0]
        for epoch in range(VERSIONS)
    ]


def run(name: str) -> None:
    """Draw the contact sheet of one experiment."""
    experiment = load_params().experiment(name)
    rows = train_rows(experiment.dataset)
    bands = []
    for label, title in enumerate(rows.classes[:MOST_CLASSES]):
        originals = [
            (rows.images[rows.index[i]], int(rows.index[i])) for i in examples(rows, label)
        ]
        if originals:
            pictures = [[p, *versions(p, index, experiment, rows)] for p, index in originals]
            bands.append(band(f"{title}: originals, then epochs 1 to {VERSIONS}", pictures))
    with replacing(AUGMENTED / f"{name}.png") as path:
        stacked(bands, 1 if len(bands) <= ONE_COLUMN else 2).save(path, format="PNG")


if __name__ == "__main__":
    main(run, names=lambda: load_params().experiments, what="experiment")
