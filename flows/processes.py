"""The stages that run now: each a group of processes, started, listened to and ended here.

Threads wait for them, one thread per stage. Whatever ends a run (a signal, an error, a
timeout) ends the groups, so that no training goes on behind a run that is over.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from flows import stage_process
from flows.graph import Stage
from flows.leases import lease
from flows.lines import Ending, Lines, Log

ENDED = "the run was ended"


@dataclass(frozen=True)
class Outcome:
    """What became of one stage.

    Attributes:
        ending: in one word; `restored` is from DVC's run cache, which had seen these inputs.
        seconds: it took, or None where nothing was started.
        reason: why it failed or was not run; may be several lines.
    """

    ending: Ending
    seconds: float | None = None
    reason: str = ""


class StageFailed(Exception):
    """A stage ended without its outputs; the message is the last that it said."""


class StageProcesses:
    """The stages that run now, so that all can be ended at once, and what became of others.

    Attributes:
        locks: descriptors that every stage keeps open, too, so that the run is over for
            others only when its last stage is gone, should the flow itself be killed.
        force: whether stages run that did not change.
        outcomes: by address; a retry writes over what it retries.
    """

    def __init__(self, locks: Sequence[int] = (), *, force: bool = False) -> None:
        self.locks, self.force = locks, force
        self.outcomes: dict[str, Outcome] = {}
        self._ended = threading.Event()
        self._live: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def ending(self) -> bool:
        """Whether all are being ended, and none may start."""
        return self._ended.is_set()

    def run(self, stage: Stage, log: Log) -> None:
        """Bring one stage up to date and wait for it.

        Args:
            stage: with the care that its `meta:` asks for, retries excepted.
            log: takes each line that the stage prints, at the time it prints it.

        Raises:
            StageFailed: if the stage fails, or is ended.
        """
        with lease(stage, self._ended, log) as leases:
            began = time.monotonic()
            ending: Ending = "failed"
            reason = ""
            try:
                ending = self._run(stage, leases, log)
            except StageFailed as failure:
                reason = str(failure)
                raise
            finally:
                seconds = time.monotonic() - began
                log(f"{ending} in {seconds:.1f} s")
                self.outcomes[stage.address] = Outcome(ending, seconds, reason)

    def _run(self, stage: Stage, leases: Sequence[int], log: Log) -> Ending:
        lines = Lines(stage.address, log)
        timeout_s = stage.care.timeout_s
        with self._started(stage.address, leases) as process:
            context = copy_context()  # by which Prefect knows whose log it is
            reader = threading.Thread(target=context.run, args=(lines.read, process.stdout))
            reader.start()
            try:
                status = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise StageFailed(f"took longer than its timeout_s, {timeout_s:g} s") from None
            finally:
                end(process)  # and whatever it left running, which would hold the pipe open
                reader.join()
        if self.ending or status != 0:
            raise StageFailed(ENDED if self.ending else lines.reason(status))
        return lines.ending

    def end(self) -> None:
        """End all stages, wait for them, and let no other start."""
        with self._lock:
            self._ended.set()
            live = list(self._live)
        for process in live:
            process.terminate()
        for process in live:
            end(process)

    @contextmanager
    def _started(self, address: str, leases: Sequence[int]) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self.ending:
                raise StageFailed(ENDED)
            process = start(address, (*self.locks, *leases), force=self.force)
            self._live.add(process)
        try:
            with process:
                yield process
        finally:
            self._live.discard(process)


def start(address: str, locks: Sequence[int], *, force: bool) -> subprocess.Popen[str]:
    """Start one stage in a session of its own, with this Python first on its PATH."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    command = [sys.executable, "-P", stage_process.__file__, str(os.getpid())]
    return subprocess.Popen(
        [*command, *(["--force"] if force else []), address],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        pass_fds=locks,
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a group of processes: ask its leader, wait, kill what is left."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(stage_process.GRACE_S + 1)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
