"""Locks that the kernel frees: one run at a time in a folder, one user at a time of a resource.

A lock is an open file (flock(2)), so it goes with the process, however that ends: nothing
is ever stale. A process that hands the open file on to its children keeps the lock held
until the last of them is gone. The text of the file tells others who holds it.
"""

import fcntl
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml

from tasks.stage import SCRATCH, StageError

RUN = SCRATCH / "run.lock"
RESOURCES = Path("/tmp")  # the same for every user and every TMPDIR
RESOURCE_NAME = re.compile(r"[a-z][a-z0-9-]*")
PATIENCE_S = 5.0  # for what a killed run leaves behind to end
LOOK_S = 0.2


class Busy(StageError):
    """Another process holds the lock."""


class Holder(NamedTuple):
    """Who holds a lock."""

    pid: int
    since: str  # local time, to the second
    what: str  # its command

    def __str__(self) -> str:
        return f"process {self.pid} ({self.what}) since {self.since}"


@contextmanager
def held(path: Path, what: str, *, shared: bool = False, wait: bool = False) -> Iterator[int]:
    """Hold a lock while the block runs.

    Args:
        path: of the lock's file; it stays when the lock is gone.
        what: the holder in words, for others to read.
        shared: beside other shared holders, but no exclusive one.
        wait: for its end, if another holds it.

    Yields:
        the descriptor of the open file, for children to inherit.

    Raises:
        Busy: if another process holds the lock, and not `wait`.
    """
    with open_lock(path) as descriptor:
        acquire(descriptor, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait=wait)
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        write(descriptor, f"{os.getpid()}\n{now}\n{what}\n")
        try:
            yield descriptor
        finally:
            if (other := named(path)) and other.pid == os.getpid():
                write(descriptor, "")


@contextmanager
def open_lock(path: Path) -> Iterator[int]:
    """Open the file of a lock, and close it: the lock goes with the last that has it open."""
    descriptor = opened(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def opened(path: Path) -> int:
    """Open the file of a lock; whoever makes it lets every user write in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    os.fchmod(descriptor, 0o666)
    return descriptor


def write(descriptor: int, text: str) -> None:
    """Replace the text of an open file."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(errors="backslashreplace"), 0)


def acquire(descriptor: int, path: Path, kind: int, *, wait: bool) -> None:
    """Take the lock, now or when its holder lets go."""
    patient_until = time.monotonic() + PATIENCE_S
    told = False
    while not taken(descriptor, kind):
        other = named(path)
        ending = other is None or not psutil.pid_exists(other.pid)
        if not wait and not (ending and time.monotonic() < patient_until):
            raise Busy(
                f"{other or 'a process'} is at work in '{path.parent}': expected to be alone here. "
                "Wait for its end, or end it; `python -m flows.retrain --wait` waits."
            )
        if wait and not told:
            print(f"waiting for {other or 'a process'} to let go of '{path.stem}'", flush=True)
            told = True
        time.sleep(LOOK_S)


def taken(descriptor: int, kind: int) -> bool:
    """Take the lock if it is free, and say whether it was."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def named(path: Path) -> Holder | None:
    """Return whom the text of a lock names: its last holder, if that was killed."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return Holder(int(lines[0]), *lines[1:3]) if len(lines) >= 3 else None


def holder(path: Path) -> Holder | None:
    """Return who holds a lock now, None if it is free."""
    if not path.exists():
        return None
    with open_lock(path) as descriptor:
        return None if taken(descriptor, fcntl.LOCK_EX) else named(path)


def shared_by_ancestor(path: Path) -> bool:
    """Say whether a process above this one holds the lock, for all that it starts."""
    other = named(path)
    return other is not None and other.pid in {p.pid for p in psutil.Process().parents()}


def lease_path(resource: str) -> Path:
    """Return the lock of a resource, one for all folders and users of this machine.

    Raises:
        StageError: if a resource cannot be called so.
    """
    if not RESOURCE_NAME.fullmatch(resource):
        raise StageError(
            f"resource '{resource}' in dvc.yaml: expected small letters, digits and hyphens, "
            "a letter first, such as 'gpu'."
        )
    return RESOURCES / f"assay-{resource}.lock"


def resource_of(stage: str) -> str | None:
    """Return the `resource` in the `meta:` of a stage of `dvc.yaml`, as `dvc repro` needs it."""
    path = Path("dvc.yaml")
    if not path.exists():
        return None
    entry = yaml.safe_load(path.read_text("utf-8"))["stages"].get(stage, {})
    return (entry.get("do", entry).get("meta") or {}).get("resource")


@contextmanager
def claimed(stage: str) -> Iterator[None]:
    """Hold what a stage needs to itself, unless the flow above it does.

    Raises:
        Busy: if a run of the flow is at work in this folder.
    """
    what = shlex.join([Path(sys.executable).name, "-m", f"tasks.{stage}", *sys.argv[1:]])
    resource = resource_of(stage)
    with ExitStack() as claims:
        if not shared_by_ancestor(RUN):
            claims.enter_context(held(RUN, what, shared=True))
        if resource and not shared_by_ancestor(lease_path(resource)):
            claims.enter_context(held(lease_path(resource), what, wait=True))
        yield
