"""Free disk against what is still to be made: the datasets first, then what comes of them.

`dvc.lock` knows how large each output was. What was never made is bounded by params.yaml
where that sets a limit. DVC keeps a copy of every output in its cache, so all of it counts
twice; a file system that shares copies needs less.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from flows.doctor.finding import Finding, size
from tasks.params import Files, load_params
from tasks.params.datasets import Dataset
from tasks.stage import RAW

MIB = 1 << 20
COPIES = 2


def examine() -> Iterator[Finding]:
    """Compare free disk with what the missing outputs need."""
    datasets = load_params().datasets
    missing = missing_outputs(Path("dvc.lock"))
    known = {stage: n for stage, n in missing.items() if stage.partition("@")[2] in datasets}
    new = [name for name in datasets if f"download@{name}" not in missing]
    bounds = [bound(datasets[name]) for name in new if not (RAW / name).exists()]
    yield judge(
        shutil.disk_usage(Path()).free,
        COPIES * (sum(known.values()) + sum(bounds)),
        COPIES * (sum(missing.values()) - sum(known.values())),
        [name for name in new if not bound(datasets[name])],
    )


def missing_outputs(lock: Path) -> dict[str, int]:
    """Return the bytes of the outputs that are not there, by stage."""
    text = lock.read_text("utf-8") if lock.exists() else ""
    stages: dict[str, Any] = (yaml.safe_load(text) or {}).get("stages", {})
    return {
        name: sum(out["size"] for out in entry.get("outs", []) if not Path(out["path"]).exists())
        for name, entry in stages.items()
    }


def bound(dataset: Dataset) -> int:
    """Return the most bytes that a source may unpack to, 0 if nothing says."""
    return 0 if isinstance(dataset.source, Files) else dataset.source.max_unpacked_mib * MIB


def judge(free: int, datasets: int, rest: int, unknown: list[str]) -> Finding:
    """Say whether everything will fit.

    Args:
        free: bytes.
        datasets: bytes that missing datasets need.
        rest: bytes that other missing outputs need.
        unknown: datasets of which nothing tells the size.
    """
    needed = [f"missing datasets need {size(datasets)}"] if datasets else []
    needed += [f"what else is missing needs {size(rest)}"] if rest else []
    needed += [f"nobody knows yet what {', '.join(unknown)} needs"] if unknown else []
    text = "; ".join([f"{size(free)} free", *(needed or ["all outputs of dvc.lock are there"])])
    if datasets + rest > free:
        return Finding("wrong", f"{text}. Free some, or move DVC's cache: dvc cache dir FOLDER.")
    return Finding("ok", text)
