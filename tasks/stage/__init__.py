"""What every stage shares: where data lies, how a stage fails, writes and tells of progress.

A stage either leaves its outputs whole or leaves none: files are written under a temporary
name and renamed, because a process may be killed at any moment.
"""

import glob
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

DATA = Path("data")
RAW = DATA / "raw"
PREPARED = DATA / "prepared"
SPLITS = DATA / "splits"
CHECKS = DATA / "checks"
AUGMENTED = DATA / "augmented"
MODELS = DATA / "models"
REPEATS = DATA / "repeats"
CALIBRATION = DATA / "calibration"
METRICS = DATA / "metrics"
LEDGER = DATA / "ledger"
PLOTS = DATA / "plots"
PREDICTIONS = DATA / "predictions"
REPORT = DATA / "report"
SCRATCH = DATA / "scratch"  # unfinished work; ignored by git and DVC
TIMINGS = DATA / "timings"  # seconds and hardware; ignored by git and DVC, so never hashed

PLAIN_PROGRESS_S = 10.0  # seconds between two progress lines where no terminal listens


class StageError(Exception):
    """Something that the user can mend; shown as one line, without a traceback.

    The message says what is wrong, what was expected, what was got, and what to do.
    """


def fail(error: StageError) -> NoReturn:
    """Print the one line of an error and end the process with status 1."""
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(1)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Turn a `StageError` into its line and status 1, an interrupt into status 130.

    Who stops reading what a command prints, as `head` does, ends it without a word.
    """
    try:
        yield
    except StageError as error:
        fail(error)
    except KeyboardInterrupt:
        print("interrupted: nothing half-written was kept.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to flush
        raise SystemExit(141) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The block may make a file or a folder there. Whatever stood at `path` stays untouched
    until the rename, and a failed block leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):  # by a process killed here
        if not alive(left):
            remove(left)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        remove(temporary)


def alive(part: Path) -> bool:
    """Say whether the process that writes a temporary file or folder still runs."""
    pid = part.suffixes[-2].removeprefix(".")
    return pid.isdigit() and psutil.pid_exists(int(pid))


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def written(path: Path, text: str) -> None:
    """Write a text file whole or not at all (UTF-8, line feeds).

    Raises:
        StageError: if `path` is a folder.
    """
    if path.is_dir():
        raise StageError(f"'{path}' is a folder: expected the name of a file to write.")
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show progress on stderr: a bar in a terminal, a plain line every few seconds elsewhere.

    Yields:
        a function that takes how many of `total` were finished since the last call.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda n: bar.advance(task, n)
        return
    yield PlainProgress(what, total).advance


class PlainProgress:
    """Progress as occasional lines, for logs."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self.started = self.told = time.monotonic()

    def advance(self, n: int) -> None:
        """Count `n` more as done and print a line if the last one is long ago."""
        self.done += n
        now = time.monotonic()
        if now - self.told < PLAIN_PROGRESS_S:
            return
        self.told = now
        left = (now - self.started) / self.done * (self.total - self.done) if self.done else 0.0
        print(f"{self.what}: {self.done:,} of {self.total:,}, {left:.0f} s left", file=sys.stderr)


def cores() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Write how long the block took, and on what, to `data/timings/`; nothing if it failed.

    Wall seconds, CPU seconds of all threads, and the hardware stay out of everything that
    is hashed, because they differ between two runs that are otherwise the same.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    seconds = {
        "cores": cores(),
        "cpu_s": round(time.process_time() - cpu, 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "wall_s": round(time.perf_counter() - wall, 1),
    }
    print(f"{what}: {seconds['wall_s']} s, {seconds['cpu_s']} CPU-s", flush=True)
    written(TIMINGS / f"{what}.json", json.dumps(seconds, indent=2) + "\n")
