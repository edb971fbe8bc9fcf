"""What `calibrate` found out about a model on val, and how `evaluate` and `predict` apply it."""

import json
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Bool, Float32, Int64

from tasks.measures.conformal import measured_by_chance, sets, threshold
from tasks.measures.metrics import calibration, expected_calibration_error, log_loss
from tasks.measures.temperature import at_temperature, fit_temperature, logarithms
from tasks.params import Strict
from tasks.stage import CALIBRATION, StageError, written

Labels = Int64[np.ndarray, "n"]
Probabilities = Float32[np.ndarray, "n k"]


class Calibration(Strict):
    """How sure a model may be.

    Attributes:
        model: digest of the model that it is for.
        n: val images.
        votes: how many neighbours vote, None for a network.
        temperature: above 1 if the model was too sure of itself.
        coverage_asked: share of the sets that shall hold the right class.
        least_probability: from which on a class belongs to the set, before the temperature.
    """

    model: str
    n: int
    votes: int | None
    temperature: float
    coverage_asked: float
    least_probability: float

    @classmethod
    def fitted(
        cls,
        labels: Labels,
        probabilities: Probabilities,
        *,
        model: str,
        votes: int | None,
        coverage: float,
    ) -> Self:
        """Fit both numbers to what a model says of val images that it has not seen."""
        return cls(
            model=model,
            n=len(labels),
            votes=votes,
            temperature=round(fit_temperature(labels, logarithms(probabilities, votes)), 6),
            coverage_asked=coverage,
            least_probability=threshold(labels, probabilities, coverage),
        )

    def calibrated(self, probabilities: Probabilities) -> Probabilities:
        """Return probabilities that are as sure as the model is right."""
        return at_temperature(logarithms(probabilities, self.votes), self.temperature)

    def sets(self, probabilities: Probabilities) -> Bool[np.ndarray, "n k"]:
        """Return which classes an image may show, given what the model itself says."""
        return sets(probabilities, self.least_probability)


def before_and_after(
    labels: Labels, before: Probabilities, after: Probabilities, bins: int
) -> dict[str, float]:
    """Return calibration error and log loss of both, flat; values have six digits."""
    told = {}
    for suffix, probabilities in (("", before), ("_calibrated", after)):
        table = calibration(labels, probabilities, bins)
        told[f"expected_calibration_error{suffix}"] = expected_calibration_error(table)
        told[f"log_loss{suffix}"] = log_loss(labels, probabilities)
    return {name: round(value, 6) for name, value in told.items()}


def confidence(
    labels: Labels, probabilities: Probabilities, found: Calibration, bins: int
) -> dict[str, float]:
    """Return what calibration is worth: how sure and how right, before and after; and the sets."""
    inside = found.sets(probabilities)
    sizes, right = inside.sum(axis=1), inside[np.arange(len(labels)), labels]
    told = {
        "coverage": float(right.mean()),
        "coverage_asked": found.coverage_asked,
        "coverage_by_chance": measured_by_chance(found.n, len(labels), found.coverage_asked),
        "mean_set_size": float(sizes.mean()),
        "sure": float((sizes == 1).mean()),
    }
    if (sizes == 1).any():
        told["sure_accuracy"] = float(right[sizes == 1].mean())
    told |= before_and_after(labels, probabilities, found.calibrated(probabilities), bins)
    return {name: round(value, 6) for name, value in told.items()}


def path_of(experiment: str) -> Path:
    """Return where the calibration of an experiment is kept."""
    return CALIBRATION / f"{experiment}.json"


def write_calibration(path: Path, found: Calibration, on_val: dict[str, float]) -> None:
    """Write a calibration, with what it does to the val images that it was fitted to."""
    told = found.model_dump() | {"val": on_val}
    written(path, json.dumps(told, indent=2, sort_keys=True) + "\n")


def read_calibration(path: Path, model: str) -> Calibration:
    """Read a calibration.

    Args:
        path: of the file.
        model: digest of the model that it is wanted for.

    Raises:
        StageError: if there is none, or it is that of another model.
    """
    again = f"Run dvc repro calibrate@{path.stem}."
    if not path.exists():
        raise StageError(f"no '{path}': expected what calibrate found on val. {again}")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = Calibration(**{name: told[name] for name in Calibration.model_fields})
    except (KeyError, ValueError) as error:
        raise StageError(
            f"'{path}' is damaged or of another version: {error!r}. {again}"
        ) from error
    if found.model != model:
        raise StageError(
            f"'{path}' is the calibration of another model: expected that of {model}, got that "
            f"of {found.model}. {again}"
        )
    return found
