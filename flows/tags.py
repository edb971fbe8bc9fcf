"""Tags by which Prefect's UI filters tasks: `stage:train`, `experiment:mnist_cnn`, `dataset:mnist`.

What stands behind the `@` of a stage is told by `params.yaml`. It is read as it is, not
checked: a name that it does not know has no tag of its own, and every stage still runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flows.graph import Stage
from tasks.params import PARAMS


def tags(stage: Stage, subjects: Mapping[str, set[str]]) -> set[str]:
    """Return the tags of one stage.

    Args:
        stage: as DVC knows it.
        subjects: the tags of each name, as `read_subjects` returns them.
    """
    own = {f"stage:{stage.address.partition('@')[0]}"} | subjects.get(stage.name, set())
    return own | ({f"resource:{stage.care.resource}"} if stage.care.resource else set())


def read_subjects(path: Path = PARAMS) -> dict[str, set[str]]:
    """Return, for each dataset and experiment, what a stage of that name works on."""
    params = yaml.safe_load(path.read_text("utf-8")) if path.exists() else None
    subjects = {name: {f"dataset:{name}"} for name in section(params, "datasets")}
    for name, experiment in section(params, "experiments").items():
        works_on = {f"experiment:{name}"}
        if isinstance(experiment, dict) and "dataset" in experiment:
            works_on.add(f"dataset:{experiment['dataset']}")
        subjects[name] = subjects.get(name, set()) | works_on
    return subjects


def section(params: object, name: str) -> dict[str, Any]:
    """Return one section of the parameters, empty if there is none of that kind."""
    found = params.get(name) if isinstance(params, dict) else None
    return found if isinstance(found, dict) else {}
