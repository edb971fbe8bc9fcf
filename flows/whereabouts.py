"""Which process a flow run lives in, noted in Prefect where others can look it up.

Prefect learns that a run ended from the run itself, so one that was killed stays Running.
The labels of a run tell its machine and its process; whoever is on that machine can see
whether the process is still there.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID

import psutil

PREFIX = "process."
CLOCK_S = 2.0  # by which the kernel's account of when a process began may shift


class Whereabouts(NamedTuple):
    """One process among all that ever were on all machines."""

    machine: str
    pid: int
    began: float  # seconds since the epoch

    @classmethod
    def here(cls) -> Self:
        """Return those of this process."""
        return cls(machine(), os.getpid(), psutil.Process().create_time())

    @classmethod
    def read(cls, labels: Mapping[str, Any]) -> Self | None:
        """Read them from the labels of a run, None if it has none."""
        try:
            machine, pid, began = (labels[f"{PREFIX}{name}"] for name in cls._fields)
        except KeyError:
            return None
        return cls(str(machine), int(pid), float(began))

    def labels(self) -> dict[str, Any]:
        """Return them as labels of a run."""
        return {f"{PREFIX}{name}": value for name, value in self._asdict().items()}

    def gone(self) -> bool:
        """Say whether the process has ended; it must be one of this machine."""
        began = process_began(self.pid)
        return began is None or abs(began - self.began) > CLOCK_S


def machine() -> str:
    """Name this machine, or the part of it whose processes have numbers of their own."""
    namespace = Path("/proc/self/ns/pid")
    return " ".join(
        [socket.gethostname(), *([os.readlink(namespace)] if namespace.exists() else [])]
    )


def process_began(pid: int) -> float | None:
    """Return when a process began, None if there is none or only its zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def ended_since(pid: int, seen: float) -> bool:
    """Say whether the process that had a number at some time is gone by now.

    Args:
        pid: its number, which another process may have by now.
        seen: the time, in seconds since the epoch.
    """
    began = process_began(pid)
    return began is None or began > seen + CLOCK_S


def note_whereabouts(flow_run_id: str) -> None:
    """Tell Prefect which process a run lives in: this one."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(UUID(flow_run_id), Whereabouts.here().labels())
