"""What every reader gives to `prepare`: the pictures of a dataset, listed but not decoded.

A reader knows a format and nothing else. It names the classes, counts the pictures, and
yields them one by one, so that a dataset may be larger than memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Picture(NamedTuple):
    """One picture as it lies in the raw data."""

    id: str  # unique in its dataset
    label: str
    role: str  # "train", "val" or "test" as the authors say, or ""
    source: Path | np.ndarray  # a file to decode, or uint8 (h, w, 1 or 3)


@dataclass(frozen=True)
class Listing:
    """The pictures of one dataset.

    Attributes:
        classes: names, sorted; a class without pictures is among them.
        roles: the roles that occur, each of which should have pictures of every class.
        count: how many pictures there are.
        pictures: these pictures, ascending by id, to be gone through once.
        ignored: how many files were passed over, by kind.
    """

    classes: list[str]
    roles: list[str]
    count: int
    pictures: Iterable[Picture]
    ignored: dict[str, int] = field(default_factory=dict)


def row_id(role: str, row: int, rows: int) -> str:
    """Name a row of an array, counted from 0, so that names sort as rows do."""
    return f"{role}/{row:0{len(str(rows - 1))}}" if role else f"{row:0{len(str(rows - 1))}}"
