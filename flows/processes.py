"""The stages that run now: each a group of processes, started, listened to and ended here.

Threads wait for them, one thread per stage. Whatever ends a run (a signal, an error, a
timeout) ends the groups, so that no training goes on behind a run that is over.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from flows import stage_process

REASON_LINES = 5

# DVC's advice to a person at a prompt, after every stage
ADVICE = re.compile(
    r"\s*$|Use `dvc push`|To track the changes with git|\tgit add |To enable auto staging"
    r"|\tdvc config |(Updating|Generating) lock file"
)

COMMAND_FAILED = re.compile(r"ERROR: failed to reproduce '.*': failed to run: ")

Ending = Literal["ran", "restored", "unchanged", "failed", "not run"]
Log = Callable[[str], None]


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
        outcomes: by address; a retry writes over what it retries.
        ending: whether all are being ended, and none may start.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.ending = False
        self._live: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def run(self, address: str, timeout_s: float | None, log: Log) -> None:
        """Bring one stage up to date and wait for it.

        Args:
            address: the stage, as DVC names it.
            timeout_s: seconds after which the stage is ended.
            log: takes each line that the stage prints, at the time it prints it.

        Raises:
            StageFailed: if the stage fails, or is ended.
        """
        began = time.monotonic()
        ending: Ending = "failed"
        reason = ""
        try:
            ending = self._run(address, timeout_s, log)
        except StageFailed as failure:
            reason = str(failure)
            raise
        finally:
            seconds = time.monotonic() - began
            log(f"{ending} in {seconds:.1f} s")
            self.outcomes[address] = Outcome(ending, seconds, reason)

    def _run(self, address: str, timeout_s: float | None, log: Log) -> Ending:
        lines = Lines(address, log)
        with self._started(address) as process:
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
            raise StageFailed("the run was ended" if self.ending else lines.reason(status))
        return lines.ending

    def end(self) -> None:
        """End all stages, wait for them, and let no other start."""
        with self._lock:
            self.ending = True
            live = list(self._live)
        for process in live:
            process.terminate()
        for process in live:
            end(process)

    @contextmanager
    def _started(self, address: str) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self.ending:
                raise StageFailed("the run was ended")
            process = start(address)
            self._live.add(process)
        try:
            with process:
                yield process
        finally:
            self._live.discard(process)


def start(address: str) -> subprocess.Popen[str]:
    """Start one stage in a session of its own, with this Python first on its PATH."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return subprocess.Popen(
        [sys.executable, "-P", stage_process.__file__, str(os.getpid()), address],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a group of processes: ask its leader, wait, kill what is left."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(stage_process.GRACE_S + 1)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Lines:
    """What a stage prints: passed on at once, and understood as far as a flow must."""

    def __init__(self, address: str, log: Log) -> None:
        self.address, self.log = address, log
        self.ending: Ending = "ran"
        self.last: deque[str] = deque(maxlen=REASON_LINES)

    def read(self, stream: Iterable[str]) -> None:
        """Read to the end of the stream."""
        for line in stream:
            if not ADVICE.match(line):
                self.take(line.rstrip())

    def take(self, line: str) -> None:
        """Pass on one line, and see in DVC's own ones what became of the stage."""
        self.log(line)
        self.last.append(line)
        if f"'{self.address}' didn't change, skipping" in line:
            self.ending = "unchanged"
        elif f"'{self.address}' is cached - skipping run" in line:
            self.ending = "restored"
        elif line.startswith("> "):  # DVC shows the command; what the command says comes after
            self.last.clear()

    def reason(self, status: int) -> str:
        """Say why the stage failed: its own last lines, or what DVC says of it."""
        own = [line for line in self.last if not COMMAND_FAILED.match(line)]
        return "\n".join(own or self.last) or f"ended with status {status} and said nothing"
