"""Read the binary version of CIFAR-10; the other official version is pickles, which may run code.

A batch is records of one label byte and 3,072 pixels: the red, the green and the blue plane
of 32x32. Records are read one by one. The authors' split is kept: `data_batch_*` is train,
`test_batch` is test.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.datasets.pictures import Listing, Picture, row_id
from tasks.stage import StageError

SHAPE = (3, 32, 32)  # planes, height, width
RECORD = 1 + 3 * 32 * 32  # bytes


def read(raw: Path) -> Listing:
    """List the pictures of all batches below a folder, test first as their ids sort."""
    names = only(raw, "batches.meta.txt")
    try:
        classes = names.read_text(encoding="ascii").split()
    except UnicodeDecodeError as error:
        raise StageError(
            f"'{names}' is damaged: expected names in ASCII, got byte {error.start} that is none. "
            "Delete it and run download again."
        ) from error
    batches = {
        "test": [only(raw, "test_batch.bin")],
        "train": sorted(names.parent.glob("data_batch_*.bin"), key=number),
    }
    if not batches["train"]:
        raise StageError(f"no 'data_batch_1.bin' beside '{names}': run download (dvc repro).")
    counts = {role: sum(map(records, paths)) for role, paths in batches.items()}
    pictures = (
        Picture(row_id(role, row, counts[role]), classes[label], role, image)
        for role, paths in batches.items()
        for row, (label, image) in enumerate(read_records(paths, classes))
    )
    return Listing(sorted(classes), list(batches), sum(counts.values()), pictures)


def only(raw: Path, name: str) -> Path:
    """Return the file of that name, however deep it lies."""
    paths = sorted(raw.rglob(name))
    if not paths:
        raise StageError(f"no '{name}' in '{raw}': run download (dvc repro).")
    return paths[0]


def number(batch: Path) -> int:
    """Return the number of a training batch."""
    digits = batch.stem.removeprefix("data_batch_")
    return int(digits) if digits.isdecimal() else 0


def records(batch: Path) -> int:
    """Return how many pictures a batch has."""
    size = batch.stat().st_size
    if size == 0 or size % RECORD:
        raise StageError(
            f"'{batch}' is damaged: expected records of {RECORD} bytes, got {size} bytes. "
            "Delete it and run download again."
        )
    return size // RECORD


def read_records(batches: list[Path], classes: list[str]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield label and uint8 (32, 32, 3) of each picture."""
    for batch in batches:
        with batch.open("rb") as file:
            while record := file.read(RECORD):
                label = record[0]
                if label >= len(classes):
                    raise StageError(
                        f"'{batch}': expected labels in 0..{len(classes) - 1}, got {label}."
                    )
                planes = np.frombuffer(record, np.uint8, offset=1).reshape(SHAPE)
                yield label, np.ascontiguousarray(planes.transpose(1, 2, 0))
