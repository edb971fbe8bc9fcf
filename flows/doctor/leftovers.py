"""Work that a killed process left: what goes on where it stopped, and what is only in the way."""

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flows.doctor.finding import Finding, size
from flows.whereabouts import ended_since
from tasks.stage import DATA, SCRATCH, remove

HOUR_S = 3600
TEMPORARY = re.compile(r"\..+\.(\d+)\.part")  # as `tasks.stage.replacing` names them


def examine() -> Iterator[Finding]:
    """Look for temporary files of dead processes, and for unfinished work."""
    found = [*dead_temporaries(), *unfinished_work()]
    yield from found or [Finding("ok", "nothing is unfinished")]


def dead_temporaries() -> Iterator[Finding]:
    """Look for half-written files and folders that nobody writes any more."""
    for path in sorted([*Path().glob(".*.part"), *DATA.rglob(".*.part")]):
        if is_dead(path):
            text = f"half-written {path}, {size(bytes_in(path))}, whose process is gone"
            yield Finding("note", f"{text}. --fix removes it.", partial(discard, path))


def is_dead(path: Path) -> bool:
    """Say whether a temporary file or folder was left by a process that has ended."""
    named = TEMPORARY.fullmatch(path.name)
    return named is not None and ended_since(int(named[1]), path.stat().st_mtime)


def discard(path: Path) -> str:
    """Remove a temporary file or folder."""
    remove(path)
    return f"removed {path}"


def unfinished_work() -> Iterator[Finding]:
    """Tell what stages will go on with."""
    for folder in sorted(path for path in SCRATCH.glob("*/*") if path.is_dir()):
        address = f"{folder.parent.name}@{folder.name}"
        hours = (time.time() - folder.stat().st_mtime) / HOUR_S
        yield Finding(
            "note",
            f"{address} is unfinished: {size(bytes_in(folder))}, {hours:.0f} hours old. "
            f"`dvc repro {address}` goes on with it; if nobody wants it, remove {folder}.",
        )


def bytes_in(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
