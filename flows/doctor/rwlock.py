"""DVC's list of who reads and writes what, without the processes that are dead.

A DVC that is killed stays in the list. The next one that wants the same path removes it,
unless another process has its number by now: then DVC waits for a stranger, for ever. And
DVC writes the list in place, so that a kill may leave half of it, which no DVC can read.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from flows.doctor.finding import Finding
from flows.whereabouts import ended_since
from tasks.stage import remove, written
from tasks.stage.locks import RUN, held

FOLDER = Path(".dvc/tmp")
LIST = FOLDER / "rwlock"
GUARD = FOLDER / "rwlock.lock"  # DVC holds it while it edits the list
WHAT = "python -m flows.doctor"

Users = dict[str, Any]  # by path: a writer, or a list of readers, each with `pid` and `cmd`


def examine() -> Iterator[Finding]:
    """Look for dead processes in the list, and whether DVC can read it."""
    if not LIST.exists():
        return
    try:
        dead = dead_users(read())
    except ValueError:
        text = f"{LIST} is broken, so no DVC can work here: one was killed while it wrote it"
        yield Finding("wrong", f"{text}. --fix removes it.", discard)
        return
    for pid, command in sorted(dead.items()):
        text = f"DVC counts on process {pid} ({command}), which is gone"
        yield Finding("note", f"{text}. --fix forgets it.", partial(forget, pid))


def read() -> dict[str, Users]:
    """Read the list.

    Raises:
        ValueError: if it is none.
    """
    content = json.loads(LIST.read_text("utf-8"))
    if not (isinstance(content, dict) and all(isinstance(v, dict) for v in content.values())):
        raise ValueError("expected readers and writers")
    return content


def dead_users(lists: dict[str, Users]) -> dict[int, str]:
    """Return the commands of processes that have ended, by their numbers.

    A process that began after the list was last written is not the one that is in it.
    """
    seen = LIST.stat().st_mtime
    found = {user["pid"]: user["cmd"] for users in lists.values() for user in listed(users)}
    return {pid: command for pid, command in found.items() if ended_since(pid, seen)}


def listed(users: Users) -> Iterator[dict[str, Any]]:
    """Yield each reader or writer."""
    for entry in users.values():
        yield from entry if isinstance(entry, list) else [entry]


def forget(pid: int) -> str:
    """Take a process out of the list, while DVC looks away."""
    with held(GUARD, WHAT):
        kept = {kind: without(users, pid) for kind, users in read().items()}
        written(LIST, json.dumps(kept))
    return f"forgot process {pid} in {LIST}"


def without(users: Users, pid: int) -> Users:
    """Return the users of each path but one; paths that only it used are gone."""
    readers = {
        path: [user for user in entry if user["pid"] != pid]
        for path, entry in users.items()
        if isinstance(entry, list)
    }
    writers = {
        path: entry
        for path, entry in users.items()
        if isinstance(entry, dict) and entry["pid"] != pid
    }
    return {path: entry for path, entry in readers.items() if entry} | writers


def discard() -> str:
    """Remove a list that cannot be read, while no DVC is at work here."""
    with held(RUN, WHAT), held(FOLDER / "lock", WHAT), held(GUARD, WHAT):
        remove(LIST)
    return f"removed {LIST}"
