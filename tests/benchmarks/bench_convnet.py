"""Seconds to an accuracy on CIFAR-10 with convnets, over many seeds, for anyone with a GPU.

    make jax-gpu
    . .venv/bin/activate
    export DATASET_MIRROR=/path/to/mirror
    python -m tests.benchmarks.bench_convnet cifar10_convnet_94 --seeds 25
    python -m tests.benchmarks.bench_convnet cifar10_convnet_94 --small --seeds 2  # on a CPU

What is timed begins with images, labels and the first weights on the device and all programs
compiled. It holds: measuring the whitening, drawing the numbers of all epochs, all epochs, and
the views of all test images. It ends when the number of right ones is in Python. What is not
timed: imports, reading, bringing pixels to the device, drawing the first weights. Compilation
with the first run is told apart from it. These are the rules of the records in the field.

All 50,000 training images are learned from. The recipes are fixed beforehand, no epoch is
chosen, and each seed scores the test images once.
"""

import argparse
import json
import os
import statistics
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import yaml

from tests.benchmarks.measured import processor, versions, write

RECIPES = Path(__file__).with_name("convnet.yaml")
SMALL = {"widths": [8, 16, 16], "epochs": 2, "batch_size": 100}
SMALL_TRAIN, SMALL_TEST = 1000, 500


def recipe(name, *, small=False):
    """Return the parameters of a training and of its augmentation."""
    from tasks.params import Augment, Convnet

    written = yaml.safe_load(RECIPES.read_text("utf-8"))["experiments"][name]
    train = written["train"] | (SMALL if small else {})
    return Convnet.model_validate(train), Augment.model_validate(written["augment"])


def runs(train, test, params, changes, seeds):
    """Return seconds and accuracy of a run for each seed, and the seconds of one before them.

    Args:
        train: uint8 images (n, h, w, c) and labels.
        test: likewise.
        params: of the training.
        changes: what augmentation may do.
        seeds: of the runs; the one before them has the first of these.
    """
    import jax

    from tasks.models.convnet.course import Data
    from tasks.models.convnet.device import set_up

    device = set_up(params, threads=len(os.sched_getaffinity(0)))
    train, test = (jax.device_put(Data(x, y.astype(np.int32)), device) for x, y in (train, test))
    with jax.default_device(device):
        first, _ = run(train, test, params, changes, seeds[0])
        each = [run(train, test, params, changes, seed) for seed in seeds]
    peak = (device.memory_stats() or {}).get("peak_bytes_in_use", 0)
    return {
        "device": device.device_kind,
        "first": first,
        "seconds": [seconds for seconds, _ in each],
        "accuracy": [accuracy for _, accuracy in each],
        "mib": peak / 2**20,
    }


def run(train, test, params, changes, seed):
    """Return seconds and accuracy of one run; see above for what is timed."""
    import jax

    from tasks.models.convnet import course, draws, scoring
    from tasks.models.convnet.device import precision

    classes, shape = int(train.labels.max()) + 1, train.images.shape[1:]
    unseeded, dtype = params.model_copy(update={"seed": 0}), precision(params)
    state = course.begin(params.model_copy(update={"seed": seed}), shape[2], classes)
    state, index = jax.block_until_ready(jax.device_put((state, np.arange(len(train.labels)))))
    start = time.perf_counter()
    frozen = course.compiled_measure(train.images, unseeded)
    drawn = draws.draw(changes, seed, 0, params.epochs, index, shape)
    state, _ = course.compiled_epochs(state, train, frozen, drawn, unseeded, changes, dtype)
    said = scoring.compiled(
        frozen, state.weights, state.statistics, test.images, unseeded, dtype, params.test_time
    )
    right = int((said.argmax(axis=1) == test.labels).sum())
    return time.perf_counter() - start, right / len(test.labels)


def cifar_10(mirror):
    """Read training and test images, uint8 (n, 32, 32, 3), with their labels."""
    parts = {"train": [], "test": []}
    with tarfile.open(Path(mirror) / "cifar-10" / "cifar-10-binary.tar.xz") as members:
        for member in members:
            if member.name.endswith(".bin"):
                raw = np.frombuffer(members.extractfile(member).read(), np.uint8)
                parts["test" if "test" in member.name else "train"].append(raw.reshape(-1, 3073))
    both = (np.concatenate(parts[part]) for part in ("train", "test"))
    return [
        (
            np.ascontiguousarray(raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)),
            raw[:, 0].astype(np.int64),
        )
        for raw in both
    ]


def table(name, found, images, *, small=False):
    """Return what was found as the lines of a page."""
    seconds, accuracy = found["seconds"], found["accuracy"]
    n = len(seconds)
    mean, spread = statistics.fmean(accuracy), statistics.stdev(accuracy) if n > 1 else 0.0
    wall = statistics.fmean(seconds)
    return [
        f"{name}{', shrunk' if small else ''}, {n} seeds, {found['device']}; {processor()};",
        f"{versions('jax', 'jaxlib', 'numpy')}.",
        "Timed: whitening, all epochs, views of all test images; not: imports, reading, transfer,",
        "compilation.",
        "",
        "| accuracy, mean ± 95 % | least | most | seconds, mean | most | training images/s | "
        "with compilation | peak MiB on the device |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
        f"| {mean:.2%} ± {1.96 * spread / n**0.5:.2%} | "
        f"{min(accuracy):.2%} | {max(accuracy):.2%} | "
        f"{wall:.2f} | {max(seconds):.2f} | {images / wall:,.0f} | {found['first']:.1f} | "
        f"{found['mib']:,.0f} |",
    ]


def main():
    """Measure one recipe, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", help="an experiment of convnet.yaml on CIFAR-10")
    parser.add_argument("--seeds", type=int, default=25, metavar="N")
    parser.add_argument("--mirror", default=None, help="instead of DATASET_MIRROR")
    parser.add_argument("--small", action="store_true", help="few images, a narrow network")
    wanted = parser.parse_args()
    mirror = wanted.mirror or os.environ.get("DATASET_MIRROR")
    if mirror is None:
        sys.exit("error: no data: expected DATASET_MIRROR=FOLDER with cifar-10/ in it.")
    params, changes = recipe(wanted.recipe, small=wanted.small)
    train, test = cifar_10(mirror)
    if wanted.small:
        train = tuple(each[:SMALL_TRAIN] for each in train)
        test = tuple(each[:SMALL_TEST] for each in test)
    found = runs(train, test, params, changes, range(wanted.seeds))
    print(json.dumps(found))
    images = params.epochs * (len(train[0]) // params.batch_size) * params.batch_size
    lines = table(wanted.recipe, found, images, small=wanted.small)
    if wanted.small:
        print("\n".join(lines))
    else:
        write(wanted.recipe, lines)


if __name__ == "__main__":
    main()
