"""What the input of a training costs beside the arithmetic, and how near that is to the peak.

Each network of params.yaml trains some steps on its real input, shuffled and augmented while
it trains, and as many on one batch that is there from the start, a tensor that TensorFlow
repeats without asking Python. The two take turns, for the machine may have other work; their
ratio is the median of those of neighbours. The arithmetic is counted by TensorFlow's profiler
in the graph; a training step is taken as three passes (forwards, and backwards to the inputs
and to the weights of each layer).
"""

import json
import statistics
import sys
import time

import numpy as np
import pytest

from tests.benchmarks.measured import measured, processor, versions, write

EXPERIMENTS = {  # the steps of one measurement, at most those of an epoch
    "digits_cnn": 20, "mnist_mlp": 450, "mnist_mlp_shifts": 450, "mnist_cnn": 30,
    "cats_vs_dogs_baseline": 10, "cats_vs_dogs_augmented": 20, "cats_vs_dogs_best": 30,
    "cifar10_cnn": 20,
}  # fmt: skip
ROUNDS = 7


def main(name, steps):
    import tensorflow as tf

    from tasks.images.samples import train_rows
    from tasks.images.scaling import scale
    from tasks.models.network import architectures, device
    from tasks.models.network.batches import Epoch
    from tasks.models.network.convolution import quick_to_train
    from tasks.models.network.course import at, phases
    from tasks.models.network.feeding import fed
    from tasks.models.network.objective import accuracy, loss, targets
    from tasks.models.network.optimisers import optimiser
    from tasks.params import load_params

    class Short(Epoch):
        def __len__(self):
            return min(steps, super().__len__())

    settings = load_params()
    experiment = settings.experiment(name)
    params, rows = experiment.train, train_rows(experiment.dataset)
    device.set_up(seed=0, threads=settings.threads, device="cpu", precision=params.precision)
    shape = rows.images.shape[1:]
    scaling = scale(rows, params.normalise)
    model = quick_to_train(architectures.build(params, shape, len(rows.classes), scaling))
    model.compile(
        optimiser(params.optimizer, 10_000, model), loss(params), metrics=[accuracy],
        jit_compile=False,
    )  # fmt: skip
    phase = phases(params, shape[:2])[-1]
    epoch = Short(
        at(rows, phase.source), targets(rows.labels, len(rows.classes), params.head), rows.index,
        params, experiment.augment, epoch=0, size=phase.size,
    )  # fmt: skip
    batch = tuple(np.array(part) for part in epoch[0])
    fixed = tf.data.Dataset.from_tensors(batch).repeat(len(epoch))
    ways = {"real": next(fed(iter([epoch]))), "fixed": fixed}
    seconds = {"real": [], "fixed": []}
    for turn in range(ROUNDS + 1):  # the first is for tracing
        for kind in sorted(ways, reverse=turn % 2 == 0):
            began = time.perf_counter()
            model.fit(ways[kind], shuffle=False, verbose=0)
            seconds[kind].append(time.perf_counter() - began)
    images = len(epoch) * epoch.batch_size
    flops = 3 * arithmetic(model, (*phase.size, shape[2]))
    best = {kind: min(values[1:]) for kind, values in seconds.items()}
    pairs = list(zip(seconds["real"], seconds["fixed"], strict=True))[1:]
    print(json.dumps({
        "ratio": statistics.median(real / fixed for real, fixed in pairs),
        "rate": images / best["real"],
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


@pytest.mark.usefixtures("every_dataset_prepared")
@pytest.mark.timeout(3600)
def test_the_input_beside_the_arithmetic():
    most = measured(__name__, "peak")["gflops"]
    lines = [
        f"{processor()}; {versions('tensorflow-cpu', 'keras')}. {ROUNDS} rounds: "
        "the most images/s, the median of the ratios; the "
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
