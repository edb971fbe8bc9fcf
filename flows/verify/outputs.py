"""Outputs as digests: what `dvc.lock` says of them, and what lies in the folder.

DVC knows a folder by the MD5 of a list of its files, and a file by that of its bytes. Both
are computed here anew, from every file, so that nothing is taken from DVC's own notes.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import yaml

FOLDER = ".dir"  # ends the digest of a folder
BLOCK = 2**20  # bytes

Files = dict[str, str]  # MD5 by path, both as DVC writes them


class Output(NamedTuple):
    """One output of a stage."""

    path: str  # below the folder of dvc.yaml, with forward slashes
    digest: str


def promised(lock: Path) -> dict[str, list[Output]]:
    """Return the outputs that `dvc.lock` has of each stage, by its address."""
    stages = yaml.safe_load(lock.read_text("utf-8"))["stages"] if lock.exists() else {}
    return {
        name: [Output(out["path"], out["md5"]) for out in stage.get("outs", [])]
        for name, stage in stages.items()
    }


def files_of(path: str) -> Files:
    """Return every file of an output in the current folder; none if it is not there."""
    found = [file for file in (Path(path), *Path(path).rglob("*")) if file.is_file()]
    return {file.as_posix(): digest_of_file(file) for file in sorted(found)}


def digest_of_file(path: Path) -> str:
    """Return the MD5 of a file's bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def digest_of(path: str, files: Files) -> str:
    """Return the digest by which DVC knows an output with these files; empty if there is none."""
    if path in files:
        return files[path]
    if not files and not Path(path).is_dir():
        return ""
    below = {tuple(name[len(path) + 1 :].split("/")): files[name] for name in files}
    listed = [{"md5": below[parts], "relpath": "/".join(parts)} for parts in sorted(below)]
    text = json.dumps(listed, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + FOLDER
