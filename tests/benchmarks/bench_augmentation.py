"""Flip, rotation, zoom and shifts together: ours beside Keras' ImageDataGenerator."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.measured import measured, processor, versions, work, write

COUNT, BATCH = 1_000, 50
ROUNDS = 3


def photographs_in(folder):
    return np.load(Path(folder) / "test.npy")[:COUNT]


def ours(folder, threads):
    from tasks.images.augmentation import augment
    from tasks.params import Augment

    params = Augment(
        flip="random", rotation_degrees=45.0, zoom=(0.5, 1.5), shift_share=0.15, border="edge"
    )
    images = photographs_in(folder)
    size = images.shape[1:3]

    def batch(start):
        index = np.arange(start, start + BATCH)
        return augment(images[index], index, params, seed=0, epoch=0, size=size)

    def do(_):
        with ThreadPoolExecutor(int(threads)) as pool:
            assert sum(map(len, pool.map(batch, range(0, COUNT, BATCH)))) == COUNT

    work(lambda: batch(0), do)


def keras(folder, _):
    def prepare():
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(
            horizontal_flip=True,
            rotation_range=45,
            zoom_range=0.5,
            width_shift_range=0.15,
            height_shift_range=0.15,
        )
        return generator.flow(photographs_in(folder).astype(np.float32), batch_size=BATCH)

    def do(batches):
        assert sum(len(next(batches)) for _ in range(len(batches))) == COUNT

    work(prepare, do)


@pytest.mark.data
@pytest.mark.timeout(600)
def test_augmentation(photographs):
    rounds = {"Keras' ImageDataGenerator": ("keras", "1")}
    rounds |= {f"ours, {n} thread{'s' if n > 1 else ''}": ("ours", str(n)) for n in (1, 2)}
    least = {
        way: min(
            (measured(__name__, which, str(photographs), n) for _ in range(ROUNDS)),
            key=lambda taken: taken["cpu"],
        )
        for way, (which, n) in rounds.items()
    }
    base = next(iter(least.values()))["cpu"]
    lines = [
        f"{COUNT:,} photographs of 150 x 150: flip, rotation by up to 45 degrees, zoom by 0.5 to "
        f"1.5, shifts by up to 15 %; {processor()};",
        f"{versions('keras', 'numpy', 'numba', 'scipy')}. The quickest of {ROUNDS} rounds.",
        "",
        "| way | CPU s | wall s | images per CPU s | times Keras' | peak MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for way, taken in least.items():
        lines.append(
            f"| {way} | {taken['cpu']:.2f} | {taken['wall']:.2f} | {COUNT / taken['cpu']:,.0f} | "
            f"{base / taken['cpu']:.1f} | {taken['mib']:,.0f} |"
        )
    write("augmentation", lines)


if __name__ == "__main__":
    {"ours": ours, "keras": keras}[sys.argv[1]](*sys.argv[2:])
