"""The DVC graph: which stages there are, which of them changed, and what DVC writes down.

`dvc.yaml` stays the only place that knows what depends on what. Only this module and
`stage_process` know DVC's inside (which has no stability promise), so a new version of DVC
is met there and nowhere else.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro

from flows.care import Care, read_care
from flows.graph import Graph, Stage, restrict
from flows.order import read, settle, take_back
from flows.processes import Outcome
from tasks.stage import StageError

# ---- which stages there are -----------------------------------------------------------


@contextmanager
def repository() -> Iterator[Repo]:
    """Open the DVC repository around the current folder.

    Raises:
        StageError: if there is none, or if one of its files is not as DVC wants it.
    """
    try:
        with Repo(_wait_for_lock=True) as repo:
            yield repo
    except DvcException as error:
        raise StageError(complaint(error)) from error


def complaint(error: DvcException) -> str:
    """Say in one line what DVC says, and what its reader of YAML found wrong on which line."""
    said = " ".join(str(error).split())
    if mark := getattr(error.__cause__, "problem_mark", None):
        problem = str(getattr(error.__cause__, "problem", "")).splitlines()[0]
        return f"{said}: line {mark.line + 1}: {problem}"
    return said


def plan(repo: Repo) -> list[Any]:
    """Return DVC's own stages in the order in which `dvc repro` visits them."""
    stages = repo.stage.collect(PROJECT_FILE)
    return list(plan_repro(get_active_graph(repo.index.graph), stages))


def read_graph() -> Graph:
    """Read every stage of `dvc.yaml`, and every `.dvc` file that one of them needs."""
    with repository() as repo:
        edges = get_active_graph(repo.index.graph)
        return {
            stage.addressing: Stage(
                stage.addressing,
                frozenset(needed.addressing for needed in edges.successors(stage)),
                read_care(stage.addressing, stage.meta) if is_of_dvc_yaml(stage) else Care(),
            )
            for stage in plan(repo)
        }


def is_of_dvc_yaml(stage: object) -> bool:
    """Say whether one of DVC's own stages stands in a `dvc.yaml`; others are `.dvc` files."""
    return "name" in vars(stage)


# ---- which of them changed ------------------------------------------------------------


def changed(graph: Graph) -> Graph:
    """Return the stages that `dvc repro` could not skip: changed ones, and all downstream.

    Raises:
        StageError: if DVC cannot tell.
    """
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "status", "--json", "--no-updates"]
    asked = subprocess.run([*command, *graph], capture_output=True, encoding="utf-8")
    if asked.returncode != 0:
        raise StageError(f"`dvc status` failed: {' '.join(asked.stderr.split())}")
    addresses = set(json.loads(asked.stdout))
    for address, stage in graph.items():
        if stage.upstream & addresses:
            addresses.add(address)
    return restrict(graph, addresses)


# ---- what DVC writes down -------------------------------------------------------------


@contextmanager
def in_order(outcomes: Mapping[str, Outcome]) -> Iterator[None]:
    """Leave `dvc.lock` and every `.gitignore` as one `dvc repro --keep-going` would.

    DVC appends an entry when its stage ends, so stages side by side leave the entries in
    the order of the clock. Old entries keep their place; new ones follow the plan. When a
    stage fails, DVC takes all new outputs out of each `.gitignore`, those that are well, too.

    Args:
        outcomes: what became of the stages, known when the block ends.
    """
    with repository() as repo:
        planned = planned_entries(repo)
    before = {path: read(path) for path in planned}
    try:
        yield
    finally:
        failed = any(outcome.ending == "failed" for outcome in outcomes.values())
        with repository() as repo, repo.lock:
            for path, entries in planned.items():
                settle(path, before[path], entries)
                if failed and path.name == ".gitignore":
                    take_back(path, before[path], entries)


def planned_entries(repo: Repo) -> dict[Path, list[str]]:
    """Return, for each file that DVC appends to, its entries in the order of the plan."""
    entries: dict[Path, list[str]] = defaultdict(list)
    for stage in plan(repo):
        if is_of_dvc_yaml(stage):  # a .dvc file is its own lock
            entries[Path(stage.path).with_suffix(".lock")].append(stage.name)
        for out in stage.outs:
            if out.is_in_repo:
                path = Path(out.fspath)
                entries[path.with_name(".gitignore")].append(f"/{path.name}")
    return entries


def kept_by_git() -> set[Path]:
    """Return what a run may write that git keeps: DVC's own files, metrics, plots, reports."""
    with repository() as repo:
        stages = plan(repo)
        outs = {Path(out.fspath) for stage in stages for out in stage.outs if not out.use_cache}
        data_files = {Path(stage.path) for stage in stages if not is_of_dvc_yaml(stage)}
        return {*planned_entries(repo), *outs, *data_files}
