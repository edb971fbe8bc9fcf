"""What differs from the last commit: parameters and metrics, as DVC compares them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tasks.stage import METRICS


class Change(NamedTuple):
    """A value at the last commit and now; None where there is none."""

    old: Any
    new: Any


Differences = Mapping[str, Mapping[str, Change]]  # by file and dotted name, both sorted


@dataclass(frozen=True)
class Changes:
    """How the working tree differs from the last commit, whose short name is `commit`."""

    commit: str
    params: Differences
    metrics: Differences

    def of_accuracy(self, experiment: str) -> Change | None:
        """Return how the test accuracy of an experiment changed, None if it did not."""
        return self.metrics.get(str(METRICS / f"{experiment}.json"), {}).get("accuracy")


def read_changes() -> Changes | None:
    """Compare with the last commit; None before the first one, or outside of git."""
    commit = last_commit()
    if commit is None:
        return None
    return Changes(commit, differences("params", commit), differences("metrics", commit))


def last_commit() -> str | None:
    """Return the short name of the last commit."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "--verify", "--quiet", "HEAD"],
        capture_output=True,
        encoding="utf-8",
    )
    return asked.stdout.strip() or None


def differences(kind: Literal["params", "metrics"], commit: str) -> Differences:
    """Return every parameter or metric that is not as it was at a commit."""
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", kind, "diff", "--json", commit],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    files: dict[str, dict[str, dict[str, Any]]] = json.loads(asked.stdout)
    return {
        file: {name: Change(c.get("old"), c.get("new")) for name, c in sorted(changed.items())}
        for file, changed in sorted(files.items())
    }
