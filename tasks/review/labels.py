"""Whether two models learned from the same labels, and how many were put right in between.

`dvc.lock` names the table of corrections that `prepare` applied, and its digest. It says nothing
of a table that was edited since.
"""

import csv
import hashlib
from typing import NamedTuple

from tasks.report.wording import counted
from tasks.review.sides import Side
from tasks.review.stored import UnreadableError, read_text


class Applied(NamedTuple):
    """The table of corrections that a dataset was prepared with."""

    path: str
    digest: str  # MD5


def describe_labels(before: Side, after: Side, dataset: str) -> list[str]:
    """Say that labels are not the same; nothing if they are, or if nobody knows."""
    old, new = (applied(side, dataset) for side in (before, after))
    if old is None or new is None or old == new:
        return []
    tables = corrections(before, old), corrections(after, new)
    how_many = "labels"
    if tables[0] is not None and tables[1] is not None:
        ids = [id for id in tables[0] | tables[1] if tables[0].get(id) != tables[1].get(id)]
        if not ids:
            return []
        how_many = counted(len(ids), "label")
    files = f"{old.path} → {new.path}" if old.path != new.path else new.path
    return [f"the trainings differ in {how_many} of {dataset} ({files})"]


def applied(side: Side, dataset: str) -> Applied | None:
    """Return what a dataset was prepared with, None if `dvc.lock` does not say."""
    stage = side.lock.get(f"prepare@{dataset}") or {}
    path = stage.get("params", {}).get("params.yaml", {}).get(f"datasets.{dataset}.labels")
    digests = {dep["path"]: dep.get("md5") for dep in stage.get("deps", [])}
    return Applied(path, digests[path]) if digests.get(path) else None


def corrections(side: Side, table: Applied) -> dict[str, str] | None:
    """Return corrected labels by the ids of their pictures; None if the table is another now."""
    try:
        text = read_text(side.files, table.path)
    except (OSError, UnreadableError):
        return None
    if hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() != table.digest:
        return None
    return {row.get("id", ""): row.get("now", "") for row in csv.DictReader(text.splitlines())}
