"""What a commit or the working tree has of an experiment, read through DVC.

DVC finds the files of any commit: in the folder, in its cache or in a remote. It knows the
digests of all of them from `dvc.lock`, so that what did not change is not even opened.
"""

import hashlib
import io
import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from dvc.api import DVCFileSystem

from tasks.review.predictions import Predictions, parse
from tasks.review.stored import (
    UnreadableError,
    default_remote,
    files_of,
    read_text,
    recorded_digest,
)
from tasks.stage import CALIBRATION, METRICS, PREDICTIONS, PREPARED, StageError

PARAMS, LOCK = "params.yaml", "dvc.lock"
HASH = re.compile("[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Side:
    """One of two that are compared.

    Attributes:
        name: as a person knows it, `HEAD (e5f79e6)` or `the working tree`.
        commit: its short name, or None for the working tree.
        files: of the repository as they were.
        datasets: by experiment, as `params.yaml` names them.
    """

    name: str
    commit: str | None
    files: DVCFileSystem
    datasets: Mapping[str, str]

    def digest(self, path: Path) -> str | None:
        """Return the MD5 of an output's contents, None if there is none.

        Of a folder in the working tree it is that of the contents which DVC recorded last.
        """
        if self.commit is None and path.is_file():
            return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        return recorded_digest(self.files, str(path))

    @cached_property
    def lock(self) -> Mapping[str, Any]:
        """Return what `dvc.lock` records of each stage, by its address; empty if it is not here."""
        try:
            found = yaml.safe_load(read_text(self.files, LOCK))
        except (OSError, yaml.YAMLError):
            return {}
        stages = found.get("stages") if isinstance(found, dict) else None
        return stages if isinstance(stages, dict) else {}

    def predictions(self, experiment: str) -> Predictions:
        """Read what the model of an experiment said of its test images.

        Raises:
            StageError: if that is not here, or not readable.
            UnreadableError: if DVC or its remote cannot tell.
        """
        path = PREDICTIONS / f"{experiment}.csv"
        try:
            text = read_text(self.files, str(path))
        except FileNotFoundError:
            raise StageError(self.explain_missing(experiment, path)) from None
        return parse(text, f"'{path}' of {self.name}")

    def metrics(self, experiment: str) -> dict[str, float]:
        """Read what was measured of an experiment; empty if that is not here."""
        return self.read_json(METRICS / f"{experiment}.json")

    def calibration(self, experiment: str) -> dict[str, Any]:
        """Read what `calibrate` found; empty if that is not here."""
        return self.read_json(CALIBRATION / f"{experiment}.json")

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read a file with a dictionary; empty if it is not here."""
        try:
            found = json.loads(read_text(self.files, str(path)))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def explain_missing(self, experiment: str, path: Path) -> str:
        """Say why there are no predictions, and what gets them."""
        if self.digest(path) is None:
            stage = shlex.quote(f"evaluate@{experiment}")
            return f"{self.name} has no predictions of {experiment}: run dvc repro {stage} there."
        remote = default_remote(self.files)
        push = f"dvc push {'--all-commits ' if self.commit else ''}where they were made"
        if remote is None:
            return (
                f"the predictions of {experiment} of {self.name} are not in DVC's cache, and there "
                "is no remote to fetch them from: dvc remote add --default NAME FOLDER_OR_URL, "
                f"then {push}."
            )
        return (
            f"the predictions of {experiment} of {self.name} are neither in DVC's cache nor in its "
            f"remote '{remote}': run {push}."
        )

    def pixels(self, dataset: str) -> pd.Series | None:
        """Return the digests of a dataset's pixels by the ids of its images; None if not here."""
        path = str(PREPARED / dataset / "samples.csv")
        try:
            text = read_text(self.files, path)
            table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
            return table.set_index("id")["digest"]
        except (OSError, UnreadableError, KeyError, ValueError):
            return None


def commit_side(revision: str) -> Side:
    """Return what a commit has.

    Raises:
        StageError: if there is no such commit, or no project in it.
    """
    commit = resolve(revision)
    name = commit if HASH.fullmatch(revision) else f"{revision} ({commit})"
    return side(name, commit)


def working_tree() -> Side:
    """Return what the current folder has.

    Raises:
        StageError: if it is not that of a project.
    """
    return side("the working tree", None)


def side(name: str, commit: str | None) -> Side:
    """Read which experiments there are."""
    files = files_of(commit)
    try:
        params = yaml.safe_load(read_text(files, PARAMS))
        experiments = params["experiments"].items()
        return Side(name, commit, files, {key: str(value["dataset"]) for key, value in experiments})
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise StageError(
            f"{name} has no experiment to compare: expected a '{PARAMS}' with experiments and "
            "their datasets. Name a later commit, or run this where that file is."
        ) from None


def resolve(revision: str) -> str:
    """Return the short name of a commit.

    Raises:
        StageError: if git does not know it, or there is no git repository.
    """
    if git("rev-parse", "--git-dir") is None:
        raise StageError(
            f"no git repository here: expected one, to read '{revision}' from. "
            "Run this where the project was cloned."
        )
    if found := git(
        "rev-parse", "--short", "--verify", "--end-of-options", f"{revision}^{{commit}}"
    ):
        return found
    shallow = git("rev-parse", "--is-shallow-repository") == "true"
    advice = "This clone is shallow: git fetch --unshallow." if shallow else "See git log --all."
    raise StageError(
        f"unknown revision '{revision}': expected a commit, branch or tag of this repository. "
        f"{advice}"
    )


def git(*arguments: str) -> str | None:
    """Ask git; None if it fails or is not here."""
    try:
        asked = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
