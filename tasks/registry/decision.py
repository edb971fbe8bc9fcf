"""A decision on a model, with its reasons: a file that git keeps, so that it can be reviewed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tasks.params import Promote
from tasks.stage import DATA, written

DECISIONS = DATA / "decisions"
KEPT = ("accuracy", "accuracy_low", "accuracy_high", "coverage", "expected_calibration_error", "n")


class Gate(NamedTuple):
    """Whether a model passed, and why."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """Whether a model may replace the one in a stage.

    Attributes:
        experiment: whose model it is.
        stage: `production` or `staging`.
        commit: of the model, its full name.
        model: digest of its files.
        champion: version in the stage now, None if there is none.
        gates: all that were judged.
        metrics: as `evaluate` wrote them.
        limits: the numbers of params.yaml that the gates went by.
        notes: what a reader has to know of the comparison.
    """

    experiment: str
    stage: str
    commit: str
    model: str
    champion: str | None
    gates: list[Gate]
    metrics: Mapping[str, float]
    limits: Promote
    notes: list[str]

    @property
    def passed(self) -> bool:
        """Say whether every gate was passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def path(self) -> Path:
        """Return where the decision is kept: one file for each model."""
        return DECISIONS / self.experiment / f"{self.model}.json"

    def in_words(self) -> str:
        """Return a line for each gate, for the message of a tag."""
        lines = [f"{'passed' if g.passed else 'FAILED'} {g.name}: {g.reason}" for g in self.gates]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return everything as what JSON has."""
        return {
            "experiment": self.experiment,
            "stage": self.stage,
            "decision": "promote" if self.passed else "refuse",
            "gates": [gate._asdict() for gate in self.gates],
            "notes": self.notes,
            "challenger": {"commit": self.commit, "model": self.model},
            "champion": self.champion,
            "metrics": {name: self.metrics[name] for name in KEPT if name in self.metrics},
            "limits": self.limits.model_dump(),
        }

    def write(self) -> None:
        """Write the file."""
        told = json.dumps(self.as_json(), indent=2, ensure_ascii=False)
        written(self.path, f"{told}\n")


def write_rollback(experiment: str, stage: str, versions: tuple[str, str], because: str) -> Path:
    """Write down that a stage went back from one version to an earlier one; return the file."""
    left, found = versions
    path = DECISIONS / experiment / f"{stage}-{left}-to-{found}.json"
    told = {
        "experiment": experiment,
        "stage": stage,
        "decision": "roll back",
        "from": left,
        "to": found,
        "because": because,
    }
    written(path, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return path
