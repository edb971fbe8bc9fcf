"""What a scored model leaves as tables: predictions, and what `dvc plots` draws."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from tasks.images.samples import Rows
from tasks.measures.metrics import calibration, confusion, precision, recall
from tasks.stage.tables import write_table

Probabilities = Float32[np.ndarray, "n k"]


def write_predictions(path: Path, rows: Rows, probabilities: Probabilities) -> None:
    """Write a row per test image."""
    predicted = probabilities.argmax(axis=1)
    write_table(
        path,
        ["id", "label", "predicted", *(f"p:{name}" for name in rows.classes)],
        (
            [rows.ids[i], rows.classes[rows.labels[i]], rows.classes[predicted[i]],
             *(f"{p:.6f}" for p in probabilities[i])]
            for i in range(len(rows))
        ),
    )  # fmt: skip


def write_calibrated(
    path: Path,
    rows: Rows,
    probabilities: Probabilities,
    inside: Bool[np.ndarray, "n k"],
) -> None:
    """Write calibrated probabilities; the set of an image is its likeliest classes, so many."""
    write_table(
        path,
        ["id", "label", "set_size", *(f"p:{name}" for name in rows.classes)],
        (
            [rows.ids[i], rows.classes[rows.labels[i]], int(inside[i].sum()),
             *(f"{p:.6f}" for p in probabilities[i])]
            for i in range(len(rows))
        ),
    )  # fmt: skip


def write_plots(
    folder: Path,
    rows: Rows,
    probabilities: Probabilities,
    calibrated: Probabilities,
    bins: int,
) -> None:
    """Write the tables that `dvc plots` draws; a class without images has no row of recall."""
    predicted = probabilities.argmax(axis=1)
    counts = confusion(rows.labels, predicted, len(rows.classes))
    write_table(
        folder / "confusion.csv",
        ["actual", "predicted"],
        ([rows.classes[a], rows.classes[p]] for a, p in zip(rows.labels, predicted, strict=True)),
    )
    write_table(
        folder / "calibration.csv",
        ["probabilities", "low", "high", "confidence", "accuracy", "n"],
        (
            [which, *(round(value, 6) for value in b)]
            for which, said in (("as given", probabilities), ("calibrated", calibrated))
            for b in calibration(rows.labels, said, bins)
        ),
    )
    measures = {"precision": precision(counts), "recall": recall(counts)}
    write_table(
        folder / "classes.csv",
        ["class", "measure", "value"],
        (
            [name, measure, round(float(values[i]), 6)]
            for i, name in enumerate(rows.classes)
            for measure, values in measures.items()
            if not np.isnan(values[i])
        ),
    )
