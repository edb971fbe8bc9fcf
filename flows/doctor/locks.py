"""Who is at work here and holds what, and what dead processes left in the way.

Locks that the kernel frees are never stale, only held; but a process that was stopped
(Ctrl-Z) holds on to them. DVC's `rwlock` is a list of processes in a file: one that is
killed stays in it.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from flows.doctor import rwlock
from flows.doctor.finding import Finding
from tasks.stage.locks import RESOURCES, RUN, holder, opened, taken


def examine() -> Iterator[Finding]:
    """Look at the locks of this folder, of this machine's resources, and of DVC."""
    yield from run_lock()
    yield from leases()
    yield from dvc_lock()
    yield from rwlock.examine()


def run_lock() -> Iterator[Finding]:
    """Tell which run is at work in this folder."""
    if other := holder(RUN):
        yield held_by(other.pid, f"this folder is in use: {other}")
    else:
        yield Finding("ok", "no run is at work in this folder")


def leases() -> Iterator[Finding]:
    """Tell who uses the resources of this machine."""
    for path in sorted(RESOURCES.glob("assay-*.lock")):
        if other := holder(path):
            yield held_by(other.pid, f"{path.stem.removeprefix('assay-')} is in use: {other}")


def dvc_lock() -> Iterator[Finding]:
    """Tell who holds DVC's own lock; its file begins with the number of the process."""
    path = rwlock.FOLDER / "lock"
    if path.exists() and not is_free(path):
        pid = int((path.read_text("utf-8").split() or ["0"])[0])
        yield held_by(pid, f"DVC's lock is in use: process {pid}")


def is_free(path: Path) -> bool:
    """Say whether nobody holds a lock."""
    descriptor = opened(path)
    try:
        return taken(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def held_by(pid: int, text: str) -> Finding:
    """Tell of a holder, and whether it will ever let go."""
    if psutil.pid_exists(pid) and psutil.Process(pid).status() == psutil.STATUS_STOPPED:
        return Finding("wrong", f"{text}. It is stopped: `kill -CONT {pid}` lets it go on.")
    return Finding("note", text)
