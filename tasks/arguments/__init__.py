"""What a command accepts on its command line.

Beside `tasks/stage` and not in it, because no result of a stage depends on this.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress


def at_least(least: int) -> Callable[[str], int]:
    """Return a `type` for argparse: a whole number that is not below `least`."""

    def read(text: str) -> int:
        with suppress(ValueError):
            if (number := int(text)) >= least:
                return number
        raise ArgumentTypeError(f"expected a whole number of at least {least}, got '{text}'")

    return read
