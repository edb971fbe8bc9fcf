"""Where a model comes from: the commit, the data and the code that made it, and who saw it again.

`dvc.lock` names the digests of all that a training read and wrote; git knows which commit wrote
the model's digest into it first.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.stage import DATA, MODELS, PREPARED, SPLITS, StageError

LOCK = Path("dvc.lock")
VERIFIED = DATA / "verified"


@dataclass(frozen=True)
class Provenance:
    """What is recorded of one training.

    Attributes:
        commit: the first one with this model, short; None if it is not committed.
        model: MD5 of the model folder, as DVC computes it.
        size: of the model, in bytes.
        data: MD5 by path of the pictures and the split that were read.
        code: MD5 by path of the code that was read.
        params: by their names in params.yaml.
        verified: what `flows.verify` said of exactly this model, or None.
    """

    commit: str | None
    model: str
    size: int
    data: dict[str, str]
    code: dict[str, str]
    params: dict[str, Any]
    verified: Mapping[str, Any] | None


def read_provenance(experiment: str, dataset: str) -> Provenance:
    """Read what `dvc.lock` and git record of the training of an experiment.

    Raises:
        StageError: if `dvc.lock` has no such training.
    """
    lock = yaml.safe_load(LOCK.read_text("utf-8")) if LOCK.exists() else {}
    stage = (lock or {}).get("stages", {}).get(f"train@{experiment}")
    if stage is None:
        raise StageError(
            f"dvc.lock has no training of '{experiment}': expected 'train@{experiment}' in it. "
            f"Train it: dvc repro evaluate@{experiment}"
        )
    deps = {dep["path"]: dep["md5"] for dep in stage["deps"]}
    data = {str(PREPARED / dataset), str(SPLITS / f"{dataset}.csv")}
    (model,) = (out for out in stage["outs"] if out["path"] == str(MODELS / experiment))
    return Provenance(
        commit=commit_with(model["md5"]),
        model=model["md5"],
        size=model["size"],
        data={path: md5 for path, md5 in deps.items() if path in data},
        code={path: md5 for path, md5 in deps.items() if not path.startswith("data/")},
        params=stage["params"]["params.yaml"],
        verified=read_verified(experiment, model["md5"]),
    )


def commit_with(digest: str) -> str | None:
    """Return the first commit whose `dvc.lock` has a digest; None if there is none."""
    asked = subprocess.run(
        ["git", "log", "--format=%h", f"-S{digest}", "--", str(LOCK)],
        capture_output=True,
        encoding="utf-8",
    )
    return asked.stdout.split()[-1] if asked.returncode == 0 and asked.stdout.split() else None


def read_verified(experiment: str, model: str) -> Mapping[str, Any] | None:
    """Return the verdict of `flows.verify` if it is about this model, else None."""
    path = VERIFIED / f"{experiment}.json"
    if not path.exists():
        return None
    verdict: dict[str, Any] = json.loads(path.read_text("utf-8"))
    files = verdict["outputs"].get(f"train@{experiment}", {})
    folder = MODELS / experiment
    inside = {
        str(Path(file).relative_to(folder)): md5
        for file, md5 in files.items()
        if Path(file).is_relative_to(folder)
    }
    return verdict if digest_of_folder(inside) == model else None


def digest_of_folder(files: Mapping[str, str]) -> str:
    """Return the MD5 that DVC gives a folder, from the MD5 of the files in it."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(files.items())]
    text = json.dumps(entries, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"
