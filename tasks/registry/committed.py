"""Whether the commit that is checked out is what is about to be promoted."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from tasks.measures.calibration import path_of
from tasks.params import PARAMS
from tasks.review.sides import commit_side, git
from tasks.stage import METRICS, MODELS, PREDICTIONS, StageError


def committed(experiment: str) -> str:
    """Return the commit that is checked out.

    Raises:
        StageError: if it does not hold the results of an experiment as they are here: those that
            git keeps, and those of which DVC's files have the digests.
    """
    head = git("rev-parse", "--verify", "HEAD")
    kept = [METRICS / f"{experiment}.json", path_of(experiment), "dvc.lock", PARAMS]
    status = git("status", "--porcelain", "--", *map(str, kept))
    changed = [line.split()[-1] for line in (status or "").splitlines()]
    if not head or status is None:
        changed = ["no repository"]
    elif not changed:
        outputs = MODELS / experiment, PREDICTIONS / f"{experiment}.csv"
        known = commit_side("HEAD")
        changed = [str(path) for path in outputs if known.digest(path) is None]
        changed += other_than_recorded(*outputs)
    if changed or head is None:
        raise StageError(
            f"the results of '{experiment}' are not committed: expected a git commit that holds "
            f"them, got changes in {', '.join(changed)}. Run dvc repro and commit them first, or "
            "fetch what was committed: dvc checkout."
        )
    return head


def other_than_recorded(*paths: Path) -> list[str]:
    """Return which outputs are not here, or not as DVC's files have their digests.

    Raises:
        StageError: if DVC cannot tell.
    """
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "data", "status", "--json", *map(str, paths)],
        capture_output=True,
        encoding="utf-8",
    )
    if asked.returncode != 0:
        raise StageError(
            f"`dvc data status` failed: expected what is not as it was committed, got "
            f"{' '.join(asked.stderr.split())}"
        )
    uncommitted: dict[str, list[str]] = json.loads(asked.stdout or "{}").get("uncommitted", {})
    return sorted(name for names in uncommitted.values() for name in names)


def listed_as_artifact(experiment: str) -> None:
    """Check that `dvc artifacts get` will find a model.

    Raises:
        StageError: if dvc.yaml does not list it.
    """
    entry = artifacts().get(experiment)
    if not isinstance(entry, dict) or entry.get("path") != f"{MODELS / experiment}":
        raise StageError(
            f"'{experiment}' is no artifact: expected under artifacts: of dvc.yaml the entry "
            f"{experiment}: {{path: {MODELS / experiment}, type: model}}. Add and commit it."
        )


def artifacts() -> Mapping[str, object]:
    """Return what dvc.yaml lists as artifacts; nothing if there is no such file or list."""
    try:
        found = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    entries = found.get("artifacts") if isinstance(found, dict) else None
    return entries if isinstance(entries, dict) else {}
