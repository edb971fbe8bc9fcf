"""What a stage prints: passed on at once, and understood as far as a flow must."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from signal import Signals
from typing import Literal

REASON_LINES = 5

# DVC's advice to a person at a prompt, after every stage
ADVICE = re.compile(
    r"\s*$|Use `dvc push`|To track the changes with git|\tgit add |To enable auto staging"
    r"|\tdvc config |(Updating|Generating) lock file"
)

COMMAND_FAILED = re.compile(r"ERROR: failed to reproduce '.*': failed to run: .*with (-?\d+)$")
SIGNALS = {number: name.name for name in Signals for number in (-name, 128 + name)}  # by status

Ending = Literal["ran", "restored", "unchanged", "failed", "not run"]
Log = Callable[[str], None]


class Lines:
    """The lines of one stage: each goes to the log, DVC's own say what became of the stage.

    Attributes:
        ending: in one word; `restored` is from DVC's run cache, which had seen these inputs.
    """

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
        """Say why the stage failed: its own last lines, and the signal if one ended it."""
        own = []
        for line in self.last:
            if failed := COMMAND_FAILED.match(line):
                status = int(failed[1])
            else:
                own.append(line)
        if status in SIGNALS:
            own.append(f"ended by {SIGNALS[status]}")
        return "\n".join(own) or f"ended with status {status} and said nothing"
