"""Models of a run that succeeded are judged, and put into production if they pass.

It is the command that a person would give, in a process of its own; so nothing is decided
here, and a model that is refused is no failure of the run.
"""

import subprocess
import sys
from collections.abc import Iterable

from tasks.stage import StageError

PASSED, REFUSED = 0, 3  # exit statuses of tasks.promote


def promote_all(experiments: Iterable[str]) -> list[str]:
    """Judge the models of some experiments, and say what became of each.

    Raises:
        StageError: if one could not be judged; with what the command says.
    """
    told = []
    for experiment in experiments:
        asked = subprocess.run(
            [sys.executable, "-m", "tasks.promote", experiment],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
        print(asked.stdout, end="")
        if asked.returncode not in {PASSED, REFUSED}:
            raise StageError(
                f"'{experiment}' could not be judged: {' '.join(asked.stderr.split()[-60:])}"
            )
        told.append(asked.stdout.strip().splitlines()[-1].removesuffix("."))
    return told
