"""Read IDX files, the format of MNIST: arrays of bytes behind a big-endian header.

Four files, plain or gzipped, under their official names. Labels are read at once, images
one by one from the open stream. The authors' split is kept: `train` and `t10k` (test).

Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from tasks.datasets.pictures import Listing, Picture, row_id
from tasks.stage import StageError

FILES = {  # by role, in the order of the ids: images, labels
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
}
UBYTE = 0x08  # the magic number is 0, 0, the type of the values, the number of dimensions
CLASSES = 10


def read(raw: Path) -> Listing:
    """List the pictures of the authors' test and training sets; a class is a digit's name."""
    labels = {role: read_labels(found(raw, name)) for role, (_, name) in FILES.items()}
    for role, (name, _) in FILES.items():
        with unpacked(found(raw, name)) as file:
            count = read_header(file, found(raw, name), dimensions=3)[0]
        if count != len(labels[role]):
            raise StageError(
                f"'{raw}': expected as many images as labels in {role}, got {count} and "
                f"{len(labels[role])}. Delete the folder and run download again."
            )
    pictures = (picture for role in FILES for picture in read_pictures(raw, role, labels[role]))
    count = sum(len(of_role) for of_role in labels.values())
    return Listing([str(label) for label in range(CLASSES)], list(FILES), count, pictures)


def read_pictures(raw: Path, role: str, labels: np.ndarray) -> Iterator[Picture]:
    """Yield the pictures of one role, each read when it is asked for."""
    path = found(raw, FILES[role][0])
    with unpacked(path) as file:
        _, height, width = read_header(file, path, dimensions=3)
        for row, label in enumerate(labels):
            image = read_values(file, path, height * width).reshape(height, width, 1)
            yield Picture(row_id(role, row, len(labels)), str(label), role, image)
        refuse_more(file, path)


def read_labels(path: Path) -> np.ndarray:
    """Return all labels of a file, uint8 (n,)."""
    with unpacked(path) as file:
        (count,) = read_header(file, path, dimensions=1)
        labels = read_values(file, path, count)
        refuse_more(file, path)
    if count and labels.max() >= CLASSES:
        raise StageError(f"'{path}': expected labels in 0..{CLASSES - 1}, got {labels.max()}.")
    return labels


def found(raw: Path, name: str) -> Path:
    """Return the file of that name, gzipped or plain."""
    for path in raw / f"{name}.gz", raw / name:
        if path.is_file():
            return path
    raise StageError(f"no '{raw / name}.gz': run download (dvc repro).")


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unzipping it as it is read.

    Raises:
        StageError: if what is read there turns out to be damaged.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged(path, str(error)) from error


def read_header(file: BinaryIO, path: Path, *, dimensions: int) -> tuple[int, ...]:
    """Check the magic number and return the length of each dimension."""
    header = file.read(4 + 4 * dimensions)
    if len(header) < 4 + 4 * dimensions or header[:4] != bytes([0, 0, UBYTE, dimensions]):
        raise damaged(path, f"expected an IDX header of bytes in {dimensions} dimensions")
    return tuple(int(length) for length in np.frombuffer(header, ">u4", offset=4))


def read_values(file: BinaryIO, path: Path, count: int) -> np.ndarray:
    """Return the next values, uint8 (count,)."""
    values = file.read(count)
    if len(values) < count:
        raise damaged(path, "it ends before its header says")
    return np.frombuffer(values, np.uint8)


def refuse_more(file: BinaryIO, path: Path) -> None:
    """Check that the file ends here."""
    if file.read(1):
        raise damaged(path, "it goes on after its header says")


def damaged(path: Path, why: str) -> StageError:
    """Return the error of a file that is not as its format says."""
    return StageError(f"'{path}' is damaged: {why}. Delete it and run download again.")
