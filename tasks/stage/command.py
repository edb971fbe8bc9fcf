"""How a stage starts: from the command line, alone in its folder, bound to the DVC that asked.

A stage is a module with `run(name)`, started as `python -m tasks.<stage> <name>`.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.stage import StageError, errors_in_one_line
from tasks.stage.lifeline import end_with_dvc
from tasks.stage.locks import claimed


def main(run: Callable[[str], None], names: Callable[[], Iterable[str]], what: str) -> None:
    """Run one stage from the command line.

    Args:
        run: does the stage's work for one name.
        names: lists the names that `params.yaml` knows.
        what: what a name stands for: `dataset` or `experiment`.
    """
    parser = own_parser()
    parser.add_argument("name", metavar=what, help=f"{what} of params.yaml")
    name = parser.parse_args().name
    with started():
        known = list(names())
        if name not in known:
            raise StageError(f"unknown {what} '{name}': params.yaml has {', '.join(known)}.")
        run(name)


def own_parser() -> argparse.ArgumentParser:
    """Return a parser that introduces the stage with its module's docstring."""
    module = sys.modules["__main__"]
    return argparse.ArgumentParser(
        prog=f"python -m {module.__spec__.name}" if module.__spec__ else None,
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


@contextmanager
def started() -> Iterator[None]:
    """Surround the work of a stage with what each owes to others in its folder."""
    gc.freeze()  # whoever looks for garbage need not go through all that was imported
    end_with_dvc()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that temporary files go
    with errors_in_one_line(), claimed(Path(sys.argv[0]).stem):
        yield
