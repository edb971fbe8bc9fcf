"""Time to accuracy of the two lessons that others publish, beside their recipes as published.

MNIST: 784-512-128-dropout 0.2-10, Adam, batches of 32, 7 epochs, through Keras' own `fit` (the
published 97.85 %). Cats against dogs: convolutions 16-32-64, dense 512, dropout 0.2, pictures of
150 x 150 that ImageDataGenerator decodes and augments anew in each of 15 epochs. Ours are short
courses of what params.yaml has, through the code of the stage `train`. All train on every
picture that is not for the test, with nothing chosen here by what the test pictures say.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.benchmarks.measured import ROOT, measured, most_mib, processor, versions, write

SHORT = {  # how ours differ from params.yaml
    "mnist_mlp": {
        "architecture": {"name": "mlp", "hidden": [256], "dropout": 0.0},
        "normalise": "standard", "batch_size": 256, "epochs": 3, "label_smoothing": 0.05,
        "optimizer": {
            "name": "adamw", "learning_rate": 0.003, "schedule": "linear", "warmup": 0.2,
            "final_share": 0.002, "weight_decay": 0.01, "momentum": 0.9, "second_moment": 0.99,
        },
    },
    "cats_vs_dogs_best": {"epochs": 10},
}  # fmt: skip


def ours(name):
    """Train a short course; return the share of test pictures that is right."""
    from tasks.images.samples import test_rows, train_rows, val_rows
    from tasks.models.network import trained, training
    from tasks.params import Network, load_params

    settings = load_params()
    experiment = settings.experiment(name)
    params = Network.model_validate(experiment.train.model_dump() | SHORT[name])
    prepare = settings.dataset(experiment.dataset).prepare
    train, val = train_rows(experiment.dataset), val_rows(experiment.dataset)
    with TemporaryDirectory() as scratch:
        model, unfinished = Path(scratch, "model"), Path(scratch, "unfinished")
        model.mkdir()
        unfinished.mkdir()
        training.fit(
            train, val, params, experiment.augment, prepare, settings.threads, model, unfinished
        )
        taken = seconds()
        classifier = trained.load(model, settings.threads)
        rows = test_rows(experiment.dataset)
        chosen = classifier.probabilities(rows.pixels()).argmax(axis=1)
    return taken, float((chosen == rows.labels).mean())


def mnist_as_published():
    import keras

    from tasks.images.samples import test_rows, train_rows, val_rows

    keras.utils.set_random_seed(0)
    parts = [train_rows("mnist"), val_rows("mnist")]
    pictures = np.concatenate([rows.pixels() for rows in parts]) / 255.0
    labels = np.concatenate([rows.labels for rows in parts])
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(512, activation="relu"),
        layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(pictures, labels, epochs=7, batch_size=32, verbose=0)
    taken, rows = seconds(), test_rows("mnist")
    chosen = model.predict(rows.pixels() / 255.0, verbose=0).argmax(axis=1)
    return taken, float((chosen == rows.labels).mean())


def cats_and_dogs_as_published(folder):
    import keras
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    keras.utils.set_random_seed(0)
    changed = ImageDataGenerator(
        rescale=1 / 255, rotation_range=45, width_shift_range=0.15, height_shift_range=0.15,
        horizontal_flip=True, zoom_range=0.5,
    )  # fmt: skip
    how = {"target_size": (150, 150), "class_mode": "binary"}
    train = changed.flow_from_directory(Path(folder, "train"), batch_size=128, seed=0, **how)
    layers = keras.layers
    blocks = []
    for width, share in ((16, 0.2), (32, 0.0), (64, 0.2)):
        blocks.append(layers.Conv2D(width, 3, padding="same", activation="relu"))
        blocks.extend([layers.MaxPooling2D(), layers.Dropout(share)])
    model = keras.Sequential([
        keras.Input((150, 150, 3)), *blocks, layers.Flatten(),
        layers.Dense(512, activation="relu"), layers.Dense(1),
    ])  # fmt: skip
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(train, epochs=15, verbose=0)
    taken = seconds()
    plain = ImageDataGenerator(rescale=1 / 255)
    test = plain.flow_from_directory(Path(folder, "validation"), shuffle=False, **how)
    chosen = model.predict(test, verbose=0)[:, 0] > 0
    return taken, float((chosen == test.classes).mean())


def seconds():
    return time.perf_counter(), time.process_time()


WAYS = {
    "mnist as published": mnist_as_published,
    "mnist ours": lambda: ours("mnist_mlp"),
    "cats and dogs as published": cats_and_dogs_as_published,
    "cats and dogs ours": lambda: ours("cats_vs_dogs_best"),
}


def main(way, *arguments):
    import keras  # imported by all, and not counted

    keras.ops.zeros(1)
    wall, cpu = seconds()
    (ended, used), accuracy = WAYS[way](*arguments)
    most = most_mib()
    taken = {"wall": ended - wall, "cpu": used - cpu, "mib": most, "accuracy": accuracy}
    print(json.dumps(taken | {"process": time.process_time()}))


@pytest.mark.data
@pytest.mark.timeout(7200)
def test_time_to_accuracy(photo_files):
    for dataset in ("mnist", "cats_vs_dogs"):
        if not (ROOT / "data/prepared" / dataset).exists():
            pytest.skip(f"needs data/prepared/{dataset}: dvc repro split@{dataset}")
    lines = [
        f"{processor()}; {versions('tensorflow-cpu', 'keras')}; seed 0. Seconds of training, with "
        "loading and tracing, without imports.",
        "",
        "| lesson | recipe | test accuracy | CPU s | wall s | peak MiB | of its CPU s |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for lesson in ("mnist", "cats and dogs"):
        more = [str(photo_files)] if lesson == "cats and dogs" else []
        published = measured(__name__, f"{lesson} as published", *more)
        mine = measured(__name__, f"{lesson} ours")
        for recipe, taken in (("as published", published), ("ours, short", mine)):
            lines.append(
                f"| {lesson} | {recipe} | {taken['accuracy']:.2%} | {taken['cpu']:,.1f} | "
                f"{taken['wall']:,.1f} | {taken['mib']:,.0f} | "
                f"{taken['cpu'] / published['cpu']:.2f} |"
            )
    write("lessons", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
