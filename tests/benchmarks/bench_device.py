"""Whether a device is kept busy: networks fed by the host, by the device itself, and not at all.

    python -m tests.benchmarks.bench_device cifar10_cnn --steps 50
    KERAS_BACKEND=jax python -m tests.benchmarks.bench_device cifar10_cnn cats_vs_dogs_best

Each network of params.yaml trains at its last resolution on batches that the host augments
beside the training, on batches that the device augments from pixels that it keeps, and on one batch
again and again, which is as fast as the device can. It needs what `dvc repro prepare split
check` leaves. Anyone with a GPU can run it; on a CPU it says what the arithmetic of the
augmentation costs in a graph, beside that of the compiled kernels.
"""

import argparse
import statistics
import time

import keras

from tasks.images.samples import train_rows
from tasks.images.scaling import scale
from tasks.models.network import architectures, device
from tasks.models.network.batches import Epoch
from tasks.models.network.convolution import quick_to_train
from tasks.models.network.course import at, phases
from tasks.models.network.feeding import taught
from tasks.models.network.objective import compiled, targets
from tasks.models.network.optimisers import optimiser
from tasks.params import load_params
from tests.benchmarks.measured import processor, versions, write

WAYS = ("host", "device", "one batch")
ROUNDS = 4  # the first is for tracing


class Again(keras.utils.PyDataset):
    """One batch, again and again."""

    def __init__(self, batch, steps):
        super().__init__()
        self.batch, self.steps = batch, steps

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        return self.batch


def again(batch, steps):
    """Return one batch again and again, without Python between the steps where that is possible."""
    if keras.backend.backend() != "tensorflow":
        return Again(batch, steps)
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(batch).repeat(steps)


def rates(name, steps, precision):
    """Return images per second of each of `WAYS`, medians of some epochs."""
    settings = load_params()
    experiment, rounds = settings.experiment(name), range(ROUNDS)
    given, rows = experiment.train, train_rows(experiment.dataset)
    given = given.model_copy(update={"precision": precision or given.precision})
    shape, classes, found = rows.images.shape[1:], len(rows.classes), []
    goals = targets(rows.labels, classes, given.head)
    phase = phases(given, shape[:2])[-1]
    what = (at(rows, phase.source), goals, rows.index, given, experiment.augment)
    first = Epoch(*what, epoch=0, size=phase.size)
    steps = min(steps, len(first))
    for way in WAYS:
        device.set_up(seed=0, threads=settings.threads, device="auto", precision=given.precision)
        built = architectures.build(given, shape, classes, scale(rows, given.normalise))
        model = quick_to_train(built)
        compiled(model, optimiser(given.optimizer, 10_000, model), given)
        if way == "one batch":
            learner, epochs = model, (again(first[0], steps) for _ in rounds)
        else:
            how = given.model_copy(update={"augment_on": way})
            learner, epochs = taught(model, *what[:3], how, experiment.augment, rounds, phase.size)
        seconds = []
        for batches in epochs:
            began = time.perf_counter()
            learner.fit(batches, shuffle=False, verbose=0, steps_per_epoch=steps)
            seconds.append(time.perf_counter() - began)
        found.append(steps * given.batch_size / statistics.median(seconds[1:]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--steps", type=int, default=50, help="of a measurement, at most an epoch")
    parser.add_argument("--precision", choices=["float32", "mixed_bfloat16", "mixed_float16"])
    asked = parser.parse_args()
    device.set_up(seed=0, threads=load_params().threads, device="auto", precision="float32")
    where = ", ".join(device.gpus()) or processor()
    backend = keras.backend.backend()
    lines = [
        f"{where}; {versions('keras', *(['jax'] if backend == 'jax' else []))}, backend {backend}, "
        f"{asked.precision or 'precision of the recipe'}. Images per second, medians of "
        f"{ROUNDS - 1} times {asked.steps} steps, or an epoch if that is less.",
        "",
        "| network | host | device | one batch | device beside one batch |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in asked.experiments:
        host, own, best = rates(name, asked.steps, asked.precision)
        lines.append(f"| {name} | {host:,.0f} | {own:,.0f} | {best:,.0f} | {own / best:.2f} |")
    write("device", lines)


if __name__ == "__main__":
    main()
