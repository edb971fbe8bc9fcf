"""A packed dataset: one array of images, one table of samples, and who may read which rows.

`prepare` packs all images of a dataset into one `images.npy`, uint8 (n, h, w, c), which is
memory-mapped, so a dataset may be larger than memory. The table beside it has a row per
image, in the same order. Splits live in their own file, because another seed must not
change the packed data. What `check` refuses or leaves out, nobody can learn from. Test rows
come from `test_rows` only, which only `evaluate` may import.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from tasks.stage import CHECKS, PREPARED, SPLITS, StageError, replacing

if TYPE_CHECKING:
    import pandas as pd  # takes longer to import than most stages need without it

SplitName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "val", "test")


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
    ids: list[str]
    digests: list[str]
    classes: list[str]

    def __len__(self) -> int:
        return len(self.index)

    def pixels(self) -> np.ndarray:
        """Return the images of these rows as uint8 (m, h, w, c), in memory."""
        return np.asarray(self.images[self.index])


def position(seed: int, digest: str) -> float:
    """Return where a digest falls in [0, 1): uniform, and the same on every machine."""
    key = sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(key[:8], "big") / 2**64


def write_table(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file that any spreadsheet reads, whole or not at all."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_table(path: Path) -> "pd.DataFrame":
    """Read a CSV file with every value as text, so that a class may be called `NA` or `01`.

    Raises:
        StageError: if the file is missing.
    """
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise StageError(f"no '{path}': run the stage that makes it (dvc repro).") from None


def read_samples(name: str) -> Iterator[Sample]:
    """Yield the rows of a prepared dataset as they are read.

    Raises:
        StageError: if there is none.
    """
    path = PREPARED / name / "samples.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows)
            at = [header.index(field) for field in Sample._fields]
            for row in rows:
                id, label, role, digest, width, height = (row[i] for i in at)
                yield Sample(id, label, role, digest, int(width), int(height))
    except FileNotFoundError:
        raise StageError(f"no '{path}': run the stage that makes it (dvc repro).") from None


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
    samples = read_table(PREPARED / dataset / "samples.csv")
    splits = read_table(SPLITS / f"{dataset}.csv")
    if not samples["id"].equals(splits["id"]):
        raise StageError(
            f"'{SPLITS / dataset}.csv' lists other samples than '{PREPARED / dataset}': expected "
            "the same ids in the same order. Run split again (dvc repro)."
        )
    classes = classes_of(dataset)
    chosen = (splits["split"] == split).to_numpy()
    if split != "test":
        chosen = chosen & ~samples["id"].isin(left_out(dataset)).to_numpy()
    label_of = {name: label for label, name in enumerate(classes)}
    labels = np.array([label_of.get(name, -1) for name in samples["label"]])
    return Rows(
        images=np.load(PREPARED / dataset / "images.npy", mmap_mode="r"),
        index=np.flatnonzero(chosen).astype(np.int64),
        labels=labels[chosen].astype(np.int64),
        ids=samples["id"][chosen].tolist(),
        digests=samples["digest"][chosen].tolist(),
        classes=classes,
    )
