"""Preparing pictures: ours beside Keras' ImageDataGenerator, on one core and on all, few and many.

Ours lists, decodes, checks, digests, resizes antialiased, packs and writes tables; Keras'
decodes, and resizes to the nearest pixel.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.stage.command import started
from tests.benchmarks.measured import measured, processor, versions, work, write
from tests.conftest import ROOT, read_own_params

SIDE = 150  # pixels
ROUNDS = 3


def ours(folder, side, cores):
    """Prepare the pictures in `folder/data/raw/pictures`."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    params = read_own_params()
    dataset = params["datasets"]["cats_vs_dogs"]
    dataset["prepare"] |= {"height": int(side), "width": int(side)}
    dataset["source"] = {"kind": "local", "watch": "nothing", "max_unpacked_mib": 1}
    params |= {"datasets": {"pictures": dataset}, "experiments": {}}
    os.chdir(folder)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    shutil.copytree(ROOT / "data" / "labels", "data/labels", dirs_exist_ok=True)

    def prepare():
        from tasks import prepare as stage
        from tasks.images.decode import resize

        resize(np.zeros((9, 9, 3), np.uint8), 5, 5)  # compiles
        return stage

    def do(stage):
        with started():
            stage.run("pictures")

    work(prepare, do)


def keras(folder, side, _):
    """Read the same pictures once, in batches."""

    def prepare():
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        return ImageDataGenerator(rescale=1 / 255)

    def do(generator):
        for part in (Path(folder) / "data" / "raw" / "pictures").iterdir():
            batches = generator.flow_from_directory(part, (int(side), int(side)), batch_size=32)
            for _ in range(len(batches)):
                next(batches)

    work(prepare, do)


def least(*arguments):
    """Return what the quickest of some rounds took, by CPU seconds."""
    return min((measured(__name__, *arguments) for _ in range(ROUNDS)), key=lambda t: t["cpu"])


@pytest.fixture(scope="module")
def small(cifar_10, tmp_path_factory):
    """Return a function that makes a folder of many small pictures: CIFAR-10's as PNG files."""
    first = tmp_path_factory.mktemp("small")
    pictures = np.concatenate([np.load(cifar_10 / f"{part}.npy") for part in ("train", "test")])
    for i, pixels in enumerate(pictures):
        file = first / f"{i:05}.png"
        Image.fromarray(pixels).save(file, compress_level=1)

    def make(count):
        folder = tmp_path_factory.mktemp(f"{count}")
        for i in range(count):
            file = folder / "data" / "raw" / "pictures" / f"class {i % 10}" / f"{i:07}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            os.link(first / f"{i % len(pictures):05}.png", file)
        return folder

    return make


@pytest.mark.data
@pytest.mark.timeout(1800)
def test_ingest(photo_files, small, tmp_path):
    raw = tmp_path / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "pictures").symlink_to(photo_files)
    every = str(len(os.sched_getaffinity(0)))
    count = len(list(photo_files.rglob("*.jpg")))
    ways = {
        "Keras' ImageDataGenerator": least("keras", str(tmp_path), str(SIDE), every),
        "ours, one core": least("ours", str(tmp_path), str(SIDE), "1"),
        f"ours, {every} cores": least("ours", str(tmp_path), str(SIDE), every),
    }
    base = count / ways["Keras' ImageDataGenerator"]["cpu"]
    lines = [
        f"{count:,} photographs to {SIDE} x {SIDE}, {processor()};",
        f"{versions('keras', 'pillow', 'simplejpeg', 'numpy', 'numba')}. "
        f"The quickest of {ROUNDS} rounds.",
        "",
        "| way | CPU s | wall s | images per CPU s | beside Keras' | peak MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for way, taken in ways.items():
        rate = count / taken["cpu"]
        lines.append(
            f"| {way} | {taken['cpu']:.2f} | {taken['wall']:.2f} | {rate:,.0f} | "
            f"{rate / base:.2f} | {taken['mib']:,.0f} |"
        )
    faster = ways["ours, one core"]["wall"] / ways[f"ours, {every} cores"]["wall"]
    lines += [
        "",
        f"{every} cores take 1/{faster:.2f} of the wall seconds of one.",
        "",
        "Many small pictures, PNG of 32 x 32:",
        "",
        "| pictures | CPU s | wall s | pictures per CPU s | peak MiB |",
        "|--:|--:|--:|--:|--:|",
    ]
    for many in (3_000, 60_000, 200_000):
        taken = measured(__name__, "ours", str(small(many)), "32", every)
        lines.append(
            f"| {many:,} | {taken['cpu']:.1f} | {taken['wall']:.1f} | "
            f"{many / taken['cpu']:,.0f} | {taken['mib']:,.0f} |"
        )
    write("ingest", lines)


if __name__ == "__main__":
    {"ours": ours, "keras": keras}[sys.argv[1]](*sys.argv[2:])
