"""What the doctor says of one thing that it looked at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]
Cure = Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: `wrong` if work cannot go on like that, or goes wrong; `note` if good to know.
        text: what it is, and what a person can do.
        cure: does the safe thing about it and returns what it did, if there is one.
    """

    state: State
    text: str
    cure: Cure | None = None


Check = Callable[[], Iterable[Finding]]


def size(n_bytes: float) -> str:
    """Write a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
