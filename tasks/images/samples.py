"""A packed dataset: one array of images, one table of samples, and who may read which rows.

`prepare` packs all images of a dataset into one `images.npy`, uint8 (n, h, w, c), which is
memory-mapped, so a dataset may be larger than memory. The table beside it has a row per
image, in the same order. Splits live in their own file, because another seed must not
change the packed data. What `check` refuses or leaves out, nobody can learn from. Test rows
come from `test_rows` only, which only `evaluate` may import.
"""

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from tasks.stage import CHECKS, PREPARED, SPLITS, StageError
from tasks.stage.tables import Column, read_columns

SplitName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "val", "test")

PIECE = 2**26  # bytes of pixels that are read at one go
TOGETHER = 250  # images that are never torn apart, so that batches of this size stay the same


class Sample(NamedTuple):
    """One row of `samples.csv`."""

    id: str  # unique in its dataset; a path with forward slashes for files
    label: str  # the name of its class
    role: str  # "train", "val" or "test" as the authors say, or ""
    digest: str  # SHA-256 of the picture, whatever its prepared size (see `decode`)
    width: int  # pixels, before resizing
    height: int


@dataclass(frozen=True)
class Rows:
    """Some rows of a packed dataset.

    Attributes:
        images: all images of the dataset, memory-mapped uint8 (n, h, w, c) in 0..255.
        index: int64 (m,), which of them these rows are, ascending.
        labels: int64 (m,), positions in `classes`.
        ids: m identifiers.
        digests: m digests of pictures.
        classes: names, sorted.
    """

    images: np.ndarray
    index: np.ndarray
    labels: np.ndarray
    ids: Sequence[str]
    digests: Sequence[str]
    classes: list[str]

    def __len__(self) -> int:
        return len(self.index)

    def pixels(self, some: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the images of these rows, or of some of them, as uint8 (m, h, w, c), in memory."""
        return np.asarray(self.images[self.index[some]])

    def pieces(
        self, which: Int64[np.ndarray, "m"] | None = None
    ) -> Iterator[UInt8[np.ndarray, "_ h w c"]]:
        """Yield the images of these rows, or of those at some positions, a few MiB at a time."""
        chosen = self.index if which is None else self.index[which]
        picture = math.prod(self.images.shape[1:])
        step = max(PIECE // (TOGETHER * picture), 1) * TOGETHER
        for start in range(0, len(chosen), step):
            yield np.asarray(self.images[chosen[start : start + step]])


def position(seed: int, digest: str) -> float:
    """Return where a digest falls in [0, 1): uniform, and the same on every machine."""
    key = sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(key[:8], "big") / 2**64


def read_samples(name: str) -> Iterator[Sample]:
    """Yield the rows of a prepared dataset as they are read.

    Raises:
        StageError: if there is none.
    """
    path = PREPARED / name / "samples.csv"
    for id, label, role, digest, width, height in read_columns(path, Sample._fields):
        yield Sample(id, label, role, digest, int(width), int(height))


def classes_of(dataset: str) -> list[str]:
    """Return the names of the classes of a prepared dataset, sorted."""
    summary = json.loads((PREPARED / dataset / "summary.json").read_text(encoding="utf-8"))
    return list(summary["classes"])


def relabelled(dataset: str) -> set[str]:
    """Return the ids of the pictures of a prepared dataset whose labels were corrected."""
    summary = json.loads((PREPARED / dataset / "summary.json").read_text(encoding="utf-8"))
    return set(summary.get("relabelled", []))


def left_out(dataset: str) -> frozenset[str]:
    """Return the ids that `check` keeps out of training.

    Raises:
        StageError: if it has not run, or refuses the dataset.
    """
    path = CHECKS / dataset / "verdict.json"
    try:
        verdict = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(
            f"no '{path}': check has not run. Run dvc repro check@{dataset}."
        ) from None
    if verdict["training"] != "allowed":
        raise StageError(
            f"check refuses '{dataset}' because pictures leak between its splits: expected none. "
            f"Look at '{path.with_name('index.html')}', or change datasets.{dataset}.check.leaks "
            "in params.yaml."
        )
    return frozenset(verdict["left_out"])


def train_rows(dataset: str) -> Rows:
    """Return what a model may learn from."""
    return _rows(dataset, "train")


def val_rows(dataset: str) -> Rows:
    """Return what a choice may look at."""
    return _rows(dataset, "val")


def test_rows(dataset: str) -> Rows:
    """Return what is scored once. Only `evaluate` may import this."""
    return _rows(dataset, "test")


def _rows(dataset: str, split: SplitName) -> Rows:
    classes, out = classes_of(dataset), set() if split == "test" else left_out(dataset)
    label_of = {name: label for label, name in enumerate(classes)}
    index, labels = array("q"), array("q")
    table = PREPARED / dataset / "samples.csv"
    samples = read_columns(table, ("id", "label"))
    splits = read_columns(SPLITS / f"{dataset}.csv", ("id", "split"))
    for at, (sample, assigned) in enumerate(zip_longest(samples, splits)):
        if sample is None or assigned is None or sample[0] != assigned[0]:
            raise StageError(
                f"'{SPLITS / dataset}.csv' lists other samples than '{PREPARED / dataset}': "
                "expected the same ids in the same order. Run split again (dvc repro)."
            )
        id, label = sample
        if assigned[1] == split and id not in out:
            index.append(at)
            labels.append(label_of.get(label, -1))
    chosen = np.array(index, np.int64)
    return Rows(
        images=np.load(PREPARED / dataset / "images.npy", mmap_mode="r"),
        index=chosen,
        labels=np.array(labels, np.int64),
        ids=Column(table, "id", chosen),
        digests=Column(table, "digest", chosen),
        classes=classes,
    )
