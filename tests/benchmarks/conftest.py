"""Real pictures for the benchmarks, from DATASET_MIRROR."""

import gzip
import tarfile

import numpy as np
import pytest
from PIL import Image

from tests.benchmarks.measured import ROOT


@pytest.fixture(scope="session")
def every_dataset_prepared():
    """Skip unless the datasets of params.yaml were prepared and split here."""
    names = ("digits", "mnist", "cats_vs_dogs", "cifar10")
    if lacking := [name for name in names if not (ROOT / "data/prepared" / name).exists()]:
        stages = " ".join(f"split@{name}" for name in lacking)
        pytest.skip(f"needs data/prepared: dvc repro {stages}")


@pytest.fixture(scope="session")
def cifar_10(dataset_mirror, tmp_path_factory):
    """Write CIFAR-10 into a folder, uint8 (n, 32, 32, 3): train.npy and test.npy."""
    folder = tmp_path_factory.mktemp("cifar_10")
    parts = {"train": [], "test": []}
    with tarfile.open(dataset_mirror / "cifar-10" / "cifar-10-binary.tar.xz") as members:
        for member in members:
            if member.name.endswith(".bin"):
                raw = np.frombuffer(members.extractfile(member).read(), np.uint8)
                pictures = raw.reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)
                part = "test" if "test" in member.name else "train"
                parts[part].append(pictures.transpose(0, 2, 3, 1))
    for part, pictures in parts.items():
        np.save(folder / f"{part}.npy", np.concatenate(pictures))
    return folder


@pytest.fixture(scope="session")
def mnist(dataset_mirror, tmp_path_factory):
    """Write MNIST into a folder, uint8 (n, 28, 28, 1): train.npy and test.npy."""
    folder = tmp_path_factory.mktemp("mnist")
    for part, name in {"train": "train", "test": "t10k"}.items():
        with gzip.open(dataset_mirror / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16)
        np.save(folder / f"{part}.npy", pixels.reshape(-1, 28, 28, 1))
    return folder


@pytest.fixture(scope="session")
def photo_files(dataset_mirror, tmp_path_factory):
    """Unpack the photographs of cats and dogs, and return the folder of train and validation."""
    folder = tmp_path_factory.mktemp("photo_files")
    archive = dataset_mirror / "cats_and_dogs_filtered" / "cats_and_dogs_filtered.tar.xz"
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    return folder / "cats_and_dogs_filtered"


@pytest.fixture(scope="session")
def photographs(photo_files, tmp_path_factory):
    """Write these photographs into a folder, uint8 (n, 150, 150, 3): train.npy and test.npy."""
    folder = tmp_path_factory.mktemp("photographs")
    for part, name in {"train": "train", "test": "validation"}.items():
        files = sorted((photo_files / name).rglob("*.jpg"))
        pixels = [Image.open(f).convert("RGB").resize((150, 150), 2) for f in files]
        np.save(folder / f"{part}.npy", np.stack([np.asarray(picture) for picture in pixels]))
    return folder


@pytest.fixture(scope="session")
def noise(tmp_path_factory):
    """Write pictures of the size of CIFAR-10 that nothing can be known of without a look."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for part, count in {"train": 50_000, "test": 10_000}.items():
        np.save(folder / f"{part}.npy", rng.integers(0, 256, (count, 32, 32, 3), np.uint8))
    return folder
