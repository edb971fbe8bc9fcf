"""Filters that learn by Muon, beside the same recipe by AdamW alone: a short course of each.

Both learn from nine tenths of the training images and classify the last tenth; no test image is
read. It needs what `dvc repro` leaves of the stages `split` and `check`.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.benchmarks.measured import measured, processor, versions, write

EPOCHS = {"mnist_cnn": 1, "cats_vs_dogs_best": 30, "cifar10_cnn": 2}
WAYS = ("AdamW", "Muon")


def main(name, way):
    from tasks.images.samples import train_rows, val_rows
    from tasks.labels.folds import in_fold, some
    from tasks.models.network import trained, training
    from tasks.params import Network, load_params

    settings = load_params()
    experiment = settings.experiment(name)
    short = experiment.train.model_dump() | {"epochs": EPOCHS[name]}
    if way == "AdamW":
        short["optimizer"]["filters"] = None
    params = Network.model_validate(short)
    prepare = settings.dataset(experiment.dataset).prepare
    rows = train_rows(experiment.dataset)
    held = in_fold(rows, seed=0, folds=10, fold=0)
    with TemporaryDirectory() as scratch:
        model, unfinished = Path(scratch, "model"), Path(scratch, "unfinished")
        model.mkdir()
        unfinished.mkdir()
        cpu = time.process_time()
        training.fit(
            some(rows, ~held), val_rows(experiment.dataset), params, experiment.augment, prepare,
            settings.threads, model, unfinished,
        )  # fmt: skip
        cpu = time.process_time() - cpu
        judged = some(rows, held)
        said = trained.load(model, settings.threads).probabilities(judged.pixels())
    of_truth = said[np.arange(len(judged)), judged.labels]
    print(json.dumps({
        "cpu": cpu, "judged": len(judged), "log loss": float(-np.log(of_truth).mean()),
        "accuracy": float((said.argmax(axis=1) == judged.labels).mean()),
    }))  # fmt: skip


@pytest.mark.usefixtures("every_dataset_prepared")
@pytest.mark.timeout(7200)
def test_muon_beside_adamw():
    lines = [
        f"{processor()}; {versions('tensorflow-cpu', 'keras')}. Seed 0; right and log loss are of "
        "a tenth of the training images, which was set aside.",
        "",
        "| experiment | epochs | set aside | filters by | right | log loss | CPU s |",
        "|---|--:|--:|---|--:|--:|--:|",
    ]
    for name, epochs in EPOCHS.items():
        for way in WAYS:
            taken = measured(__name__, name, way)
            lines.append(
                f"| {name} | {epochs} | {taken['judged']:,} | {way} | {taken['accuracy']:.1%} | "
                f"{taken['log loss']:.3f} | {taken['cpu']:,.0f} |"
            )
    write("muon", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
