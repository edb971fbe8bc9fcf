"""Read the handwritten digits that come inside scikit-learn: 1,797 pictures of 8x8.

The file is a table without a header: 64 counts of dark pixels, 0..16, row by row, then the
digit. A count v becomes the grey value 255 v / 16, rounded to the nearest (halves up).

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998,
https://doi.org/10.24432/C50P49
"""

import zlib
from pathlib import Path

import numpy as np

from tasks.datasets.pictures import Listing, Picture, row_id
from tasks.stage import StageError

FILE = "digits.csv.gz"
SIDE = 8
TOP = 16  # a count of dark pixels in a block of 4x4
DIGITS = 10


def read(raw: Path) -> Listing:
    """List the digits; their authors give no split."""
    table = load_table(raw / FILE)
    images = (table[:, :-1] * 255 + TOP // 2) // TOP
    images = images.reshape(-1, SIDE, SIDE, 1).astype(np.uint8)
    pictures = [
        Picture(row_id("", row, len(images)), str(label), "", image)
        for row, (image, label) in enumerate(zip(images, table[:, -1], strict=True))
    ]
    return Listing([str(digit) for digit in range(DIGITS)], [""], len(pictures), pictures)


def load_table(path: Path) -> np.ndarray:
    """Read and check the table, int64 (n, 65).

    Raises:
        StageError: if the file is missing, or is not such a table.
    """
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
    except FileNotFoundError:
        raise StageError(f"no '{path}': run download (dvc repro).") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise StageError(f"'{path}' is not a table of whole numbers: {error}.") from error
    columns = SIDE * SIDE + 1
    if table.shape[1] != columns:
        raise StageError(f"'{path}': expected rows of {columns} numbers, got {table.shape[1]}.")
    for what, values, top in ("pixels", table[:, :-1], TOP), ("digits", table[:, -1], DIGITS - 1):
        if values.min() < 0 or values.max() > top:
            raise StageError(
                f"'{path}' has {what} out of range: expected 0..{top}, got "
                f"{values.min()}..{values.max()}."
            )
    return table
