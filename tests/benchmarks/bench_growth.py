"""How time and memory of every stage grow with the number of images.

The images are those of MNIST, again and again, each with a mark of its own, so that no two are
the same. A tenth more of them is the test set.
"""

import shutil
import struct
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.quality.findings import Copy
from tests.benchmarks.measured import processor, spent, versions, write
from tests.conftest import ROOT, read_own_params

COUNTS = (1_000, 10_000, 60_000, 1_000_000)
MOST = {"knn": 60_000, "files": 60_000, "check": 60_000}  # pairs of images grow as squares
STAGES = {
    "download": ["many"],
    "prepare": ["many"],
    "split": ["many"],
    "check": ["many"],
    "augment": ["mlp"],
    "train": ["mlp"],
    "calibrate": ["mlp"],
    "evaluate": ["mlp"],
    "predict": ["mlp", "files", "--csv"],
    "train, neighbours": ["knn"],
}


def idx(values):
    header = struct.pack(">BBBB", 0, 0, 8, values.ndim)
    return header + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def make(folder, pictures, count):
    """Write raw data of `count` training images and a tenth as many of test."""
    raw = folder / "photos"
    raw.mkdir(parents=True)
    (folder / "files").mkdir()
    for i in range(count if count <= MOST["files"] else 0):
        Image.fromarray(pictures[i, :, :, 0]).save(folder / "files" / f"{i}.png", compress_level=1)
    first = 0
    for part, n in {"train": count, "t10k": count // 10}.items():
        at = np.arange(first, first + n)
        images = pictures[at % len(pictures)].reshape(n, 28, 28)
        for byte in range(4):
            images[:, 0, byte] = at >> 8 * byte & 255
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx((at % 10).astype(np.uint8)))
        first += n
    params = read_own_params()
    mnist, mlp = params["datasets"]["mnist"], params["experiments"]["mnist_mlp"]
    knn = params["experiments"]["digits_knn"]
    mnist["source"] = {"kind": "local", "watch": "photos", "max_unpacked_mib": 1}
    mlp["train"]["epochs"] = 1
    knn["train"] |= {"metrics": ["L1"], "ks": [1], "folds": 2}
    params["datasets"] = {"many": mnist}
    params["experiments"] = {"mlp": mlp | {"dataset": "many"}, "knn": knn | {"dataset": "many"}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    shutil.copytree(ROOT / "data" / "labels", folder / "data" / "labels")


def allow(folder):
    """Say in the place of a check that nothing leaks."""
    verdict = folder / "data" / "checks" / "many" / "verdict.json"
    verdict.parent.mkdir(parents=True)
    verdict.write_text('{"left_out": [], "training": "allowed"}')
    (verdict.parent / "pairs.csv").write_text(",".join(Copy._fields) + "\n")


@pytest.mark.data
@pytest.mark.timeout(3600)
def test_growth(mnist, tmp_path):
    pictures = np.load(mnist / "train.npy")
    taken = {}
    for count in COUNTS:
        folder = tmp_path / str(count)
        make(folder, pictures, count)
        for stage, arguments in STAGES.items():
            if count > min(MOST.get(word, count) for word in (stage, *arguments)):
                if stage == "check":
                    allow(folder)
                continue
            command = [sys.executable, "-m", f"tasks.{stage.partition(',')[0]}", *arguments]
            taken[stage, count] = spent(command, folder)
            print(stage, count, taken[stage, count], flush=True)
    write("growth", table(taken))


def table(taken):
    lines = [
        f"CPU seconds and most MiB of whole processes, images of 28 x 28, {processor()};",
        "first their own memory, in brackets with pages of files, which the system may take back.",
        f"{versions('numpy', 'numba', 'keras')}. Training is one epoch of `mnist_mlp`, or two "
        "folds of nearest neighbours (L1, k = 1).",
        "",
        f"| stage | {' | '.join(f'{count:,}' for count in COUNTS)} |",
        f"|---|{'--:|' * len(COUNTS)}",
    ]
    for stage in STAGES:
        cells = [
            f"{t['cpu']:.1f} s, {t['own_mib']:,.0f} MiB ({t['mib']:,.0f})"
            if (t := taken.get((stage, n)))
            else ""
            for n in COUNTS
        ]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return lines
