"""The first thing that came out otherwise: a stage, a file, and what in it.

A person who looks for the cause wants to begin there: all that comes later follows from it.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from dvc.api import DVCFileSystem

from flows.verify.layers import first_array, first_layer
from flows.verify.outputs import Files, Output, digest_of, files_of

HISTORY, NETWORK, ARRAYS = "history.csv", ".keras", "model.npz"
KEPT_NOT = "its bytes in the commit are not in DVC's cache, so nobody can say what differs in it"


class Difference(NamedTuple):
    """What came out otherwise first."""

    stage: str
    file: str
    details: list[str]  # what differs in it, and in what the stage left beside it


class Made(NamedTuple):
    """What a stage left, and where that differs from what it should be."""

    files: Files
    difference: Difference | None


def compare(stage: str, outputs: Sequence[Output], original: DVCFileSystem) -> Made:
    """Compare the outputs of a stage, in the current folder, with those of a commit.

    Args:
        stage: its address.
        outputs: as `dvc.lock` has them.
        original: the files of the commit.
    """
    found = {output: files_of(output.path) for output in outputs}
    files = {path: digest for output in found.values() for path, digest in output.items()}
    wrong = [o for o in outputs if digest_of(o.path, found[o]) != o.digest]
    if not wrong:
        return Made(files, None)
    differing = [file for output in wrong for file in apart(output, found[output], original)]
    details = [text for file in differing for text in describe(file, original)]
    return Made(files, Difference(stage, differing[0], details))


def apart(output: Output, files: Files, original: DVCFileSystem) -> list[str]:
    """Return the files of an output that differ, are gone or are new; itself if nobody knows."""
    if output.path in files or not files:
        return [output.path]
    try:
        listed = original.find(output.path, detail=True)
    except OSError:
        return [output.path]
    was = {path: info.get("dvc_info", {}).get("md5") for path, info in listed.items()}
    if not was:
        return [output.path]
    return [p for p in sorted(was.keys() | files.keys()) if was.get(p) != files.get(p)]


def describe(path: str, original: DVCFileSystem) -> Iterator[str]:
    """Say what differs in a file, where a person can use it: epochs and layers."""
    if not Path(path).is_file():
        yield f"{path} was not made" if not Path(path).exists() else f"{path}: {KEPT_NOT}"
        return
    try:
        was = original.read_bytes(path)
    except OSError:
        yield f"{path}: {KEPT_NOT}"
        return
    now = Path(path).read_bytes()
    if path.endswith(HISTORY):
        yield f"{path}: {first_row(was.decode(), now.decode())}"
    elif path.endswith(NETWORK):
        yield f"{path}: {first_layer(was, now)}"
    elif path.endswith(ARRAYS):
        yield f"{path}: {first_array(was, now)}"
    else:
        yield f"{path}: {len(now):,} bytes, expected {len(was):,}" + (
            "" if len(was) != len(now) else ", of which some differ"
        )


def first_row(before: str, after: str) -> str:
    """Say in which row, such as an epoch, two tables differ first.

    Args:
        before: a CSV file.
        after: another.
    """
    was, now = (list(csv.reader(io.StringIO(text))) for text in (before, after))
    for old, new in zip_longest(was, now):
        if old is None or new is None:
            return f"{len(now) - 1} rows, expected {len(was) - 1}"
        for at, (left, right) in enumerate(zip_longest(old, new)):
            if left != right:
                keys = zip(was[0][:at], old[:at], strict=False)
                where = ", ".join(f"{name} {value}" for name, value in keys) or "the first column"
                return f"{where}: {was[0][at]} is {right}, expected {left}"
    return "other line ends"
