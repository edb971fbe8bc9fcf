"""What others can fetch of a run: outputs, and DVC's cache of past runs, in its default remote."""

import subprocess
import sys
from collections.abc import Sequence

from tasks.stage import StageError


def check_can_push() -> None:
    """Check before a run that there is a remote to push to after it.

    Raises:
        StageError: if DVC has no default remote.
    """
    if dvc("remote", "default").returncode != 0:
        raise StageError(
            "cannot push: DVC has no default remote. "
            "Name one: dvc remote add --default NAME FOLDER_OR_URL."
        )


def push(addresses: Sequence[str]) -> None:
    """Push the outputs of some stages, and all of the cache of past runs.

    Raises:
        StageError: if DVC cannot.
    """
    asked = dvc("push", "--run-cache", *addresses)
    if asked.returncode != 0:
        raise StageError(f"`dvc push` failed: {' '.join(asked.stderr.split())}")


def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC in the current folder."""
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8")
