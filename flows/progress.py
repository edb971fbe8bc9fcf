"""How far a long stage is: its own progress lines, as one artifact of its task.

A stage that runs for long prints such a line every ten seconds (`tasks.stage.progress`), so
nothing is asked of stages here, and one that is quick shows nothing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows.courtesy import courtesy
from flows.lines import Log

LINE = re.compile(r".+: (?P<done>[\d,]+) of (?P<total>[1-9][\d,]*), \d+ s left")


@contextmanager
def progress_shown(address: str, log: Log) -> Iterator[Log]:
    """Show the progress of the stage whose lines the yielded function takes.

    Args:
        address: the stage, as DVC names it.
        log: is given every line first.
    """
    progress = Progress(address)

    def take(line: str) -> None:
        log(line)
        progress.read(line)

    yield take
    progress.finish()


class Progress:
    """The progress of one stage: made when it first tells of any, then kept up to date."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._artifact: UUID | None = None
        self._lost = False

    def read(self, line: str) -> None:
        """Show what a line tells of progress, if it does."""
        if found := LINE.fullmatch(line):
            done, total = (int(found[name].replace(",", "")) for name in ("done", "total"))
            self.show(min(100, 100 * done / total), line)

    def finish(self) -> None:
        """Show that all is done, if any progress was shown."""
        if self._artifact:
            self.show(100, "done")

    def show(self, percent: float, words: str) -> None:
        """Show how far the stage is, unless that failed before: a stage must not wait for it."""
        if self._lost:
            return
        self._lost, told = True, f"{self.address}, {words}"
        with courtesy("the progress"):
            if self._artifact is None:
                self._artifact = cast(UUID, create_progress_artifact(percent, description=told))
            else:
                update_progress_artifact(self._artifact, percent, description=told)
            self._lost = False
