"""Training steps with the quick gradient of convolutions, beside those with Keras' own.

Each residual network of params.yaml learns one batch again and again, at its last resolution, as
two models that take turns: the machine may have other work. It needs what `dvc repro prepare
split` leaves.
"""

import json
import statistics
import sys
import time

import pytest

from tests.benchmarks.measured import measured, processor, versions, write

EXPERIMENTS = {  # the steps of one measurement
    "digits_cnn": 40, "mnist_cnn": 10, "cats_vs_dogs_best": 6, "cifar10_cnn": 8,
}  # fmt: skip
ROUNDS = 9


def main(name, steps):
    import tensorflow as tf

    from tasks.images.samples import train_rows
    from tasks.images.scaling import scale
    from tasks.models.network import architectures, device
    from tasks.models.network.batches import Epoch
    from tasks.models.network.convolution import quick_to_train
    from tasks.models.network.course import at, phases
    from tasks.models.network.objective import compiled, targets
    from tasks.models.network.optimisers import optimiser
    from tasks.params import load_params

    settings = load_params()
    experiment = settings.experiment(name)
    params, rows = experiment.train, train_rows(experiment.dataset)
    device.set_up(seed=0, threads=settings.threads, device="cpu", precision=params.precision)
    shape, scaling = rows.images.shape[1:], scale(rows, params.normalise)
    phase = phases(params, shape[:2])[-1]
    goals = targets(rows.labels, len(rows.classes), params.head)
    epoch = Epoch(
        at(rows, phase.source), goals, rows.index, params, experiment.augment, epoch=0,
        size=phase.size,
    )  # fmt: skip
    batches = tf.data.Dataset.from_tensors(epoch[0]).repeat(steps)
    models = {}
    for way, change in (("own", lambda model: model), ("quick", quick_to_train)):
        model = change(architectures.build(params, shape, len(rows.classes), scaling))
        models[way] = compiled(model, optimiser(params.optimizer, 10_000, model), params)
    seconds = {way: [] for way in models}
    for turn in range(ROUNDS + 1):  # the first is for tracing
        for way in sorted(models, reverse=turn % 2 == 0):
            began = time.perf_counter()
            models[way].fit(batches, shuffle=False, verbose=0)
            seconds[way].append(time.perf_counter() - began)
    pairs = list(zip(seconds["own"], seconds["quick"], strict=True))[1:]
    images = steps * epoch.batch_size
    print(json.dumps({
        "own": images / statistics.median(own for own, _ in pairs),
        "quick": images / statistics.median(quick for _, quick in pairs),
        "ratio": statistics.median(own / quick for own, quick in pairs),
    }))  # fmt: skip


@pytest.mark.usefixtures("every_dataset_prepared")
@pytest.mark.timeout(3600)
def test_the_quick_gradient_beside_keras_own():
    lines = [
        f"{processor()}; {versions('tensorflow-cpu', 'keras')}. Images per second of whole "
        f"training steps, medians of {ROUNDS} rounds in which the two take turns.",
        "",
        "| experiment | Keras' own gradient | quick gradient | times as fast |",
        "|---|--:|--:|--:|",
    ]
    for name, steps in EXPERIMENTS.items():
        taken = measured(__name__, name, str(steps))
        lines.append(
            f"| {name} | {taken['own']:,.0f} | {taken['quick']:,.0f} | {taken['ratio']:.2f} |"
        )
    write("gradient", lines)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
