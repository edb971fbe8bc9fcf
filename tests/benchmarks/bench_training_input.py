"""What the input of a training costs beside the arithmetic, and how near that is to the peak.

Each network of params.yaml trains some steps on its real input, shuffled and augmented while
it trains, and as many on one batch that is there from the start. The arithmetic is counted by
TensorFlow's profiler in the graph; a training step is taken as three passes (forwards, and
backwards to the inputs and to the weights of each layer).
"""

import json
import sys
import time

import numpy as np
import pytest

from tests.benchmarks.measured import ROOT, measured, processor, versions, write

EXPERIMENTS = {  # the steps of one measurement, for a few seconds each
    "digits_cnn": 80, "mnist_mlp": 1200, "mnist_mlp_shifts": 1200, "mnist_cnn": 30,
    "cats_vs_dogs_baseline": 20, "cats_vs_dogs_augmented": 20, "cats_vs_dogs_best": 12,
    "cifar10_cnn": 15,
}  # fmt: skip
ROUNDS = 3


def main(name, steps):
    import keras

    from tasks.images.samples import train_rows
    from tasks.models.network import architectures, device
    from tasks.models.network.batches import Epoch, targets
    from tasks.models.network.course import at, phases
    from tasks.models.network.optimisers import optimiser
    from tasks.models.network.scaling import scale
    from tasks.models.network.training import accuracy, loss
    from tasks.params import load_params

    class Fixed(keras.utils.PyDataset):
        def __init__(self, batch):
            super().__init__()
            self.batch = batch

        def __len__(self):
            return steps

        def __getitem__(self, _):
            return self.batch

    class Real(Epoch):
        def __len__(self):
            return steps

        def __getitem__(self, batch):
            return super().__getitem__(batch % super().__len__())

    settings = load_params()
    experiment = settings.experiment(name)
    params, rows = experiment.train, train_rows(experiment.dataset)
    device.set_up(seed=0, threads=settings.threads, device="cpu", precision=params.precision)
    shape = rows.images.shape[1:]
    model = architectures.build(params, shape, len(rows.classes), scale(rows, params.normalise))
    model.compile(
        optimiser(params.optimizer, 10_000, model), loss(params), metrics=[accuracy],
        jit_compile=False,
    )  # fmt: skip
    phase = phases(params, shape[:2])[-1]
    real = Real(
        at(rows, phase.source), targets(rows.labels, len(rows.classes), params.head), rows.index,
        params, experiment.augment, epoch=0, size=phase.size,
    )  # fmt: skip
    fixed = Fixed(tuple(np.array(part) for part in real[0]))
    seconds = {"real": [], "fixed": []}
    for data in (real, fixed):
        model.fit(data, shuffle=False, verbose=0)
    for _ in range(ROUNDS):
        for kind, data in (("real", real), ("fixed", fixed)):
            began = time.perf_counter()
            model.fit(data, shuffle=False, verbose=0)
            seconds[kind].append(time.perf_counter() - began)
    images = steps * real.batch_size
    flops = 3 * arithmetic(model, (*phase.size, shape[2]))
    best = {kind: min(values) for kind, values in seconds.items()}
    print(json.dumps({
        "ratio": best["real"] / best["fixed"], "rate": images / best["real"],
        "gflops": flops * images / best["real"] / 1e9,
        "computing": flops * images / best["fixed"] / 1e9,
    }))  # fmt: skip


def arithmetic(model, shape):
    """Return the floating-point operations of one picture, forwards."""
    import tensorflow as tf
    from tensorflow.compat.v1 import profiler

    forwards = tf.function(model).get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    count = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    options = count.with_empty_output().build()
    return profiler.profile(forwards.graph, options=options).total_float_ops


def peak():
    """Print the operations per second of a large product of matrices, on all cores."""
    side = 4096
    a = np.random.default_rng(0).random((side, side), np.float32)
    product = a @ a
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        np.matmul(a, a, out=product)
        best = min(best, time.perf_counter() - began)
    print(json.dumps({"gflops": 2 * side**3 / best / 1e9}))


@pytest.mark.timeout(3600)
def test_the_input_beside_the_arithmetic():
    lacking = [n for n in ("digits", "mnist", "cats_vs_dogs", "cifar10")
               if not (ROOT / "data/prepared" / n).exists()]  # fmt: skip
    if lacking:
        pytest.skip(f"needs data/prepared: dvc repro {' '.join(f'split@{n}' for n in lacking)}")
    most = measured(__name__, "peak")["gflops"]
    lines = [
        f"{processor()}; {versions('tensorflow-cpu', 'keras')}. Least of {ROUNDS} rounds; the "
        f"peak, a product of two matrices of 4096 x 4096 float32, is {most:,.0f} GFLOP/s.",
        "",
        "| experiment | images/s | real input : one fixed batch | GFLOP/s | of the peak |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, steps in EXPERIMENTS.items():
        taken = measured(__name__, name, str(steps))
        lines.append(
            f"| {name} | {taken['rate']:,.0f} | {taken['ratio']:.3f} | {taken['gflops']:,.0f} | "
            f"{taken['gflops'] / most:.0%} |"
        )
    write("training_input", lines)


if __name__ == "__main__":
    if sys.argv[1] == "peak":
        peak()
    else:
        main(sys.argv[1], int(sys.argv[2]))
