"""Score a trained model on its test set: the only stage that opens it.

    python -m tasks.evaluate mnist_cnn

Leaves flat metrics for a diff, a prediction per test image, the tables that `dvc plots`
draws, and pictures of what went wrong. Accuracy and predictions are the model's own; what
`calibrate` found stands beside them. Each look by a new model is written into a ledger.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from tasks.images.lesson import lesson
from tasks.images.samples import Rows, test_rows, train_rows, val_rows
from tasks.images.sheet import grid
from tasks.measures.calibration import confidence, path_of, read_calibration
from tasks.measures.ledger import digest_of_model, record
from tasks.measures.metrics import score, without
from tasks.measures.spread import Spread
from tasks.measures.tables import write_calibrated, write_plots, write_predictions
from tasks.models.classifier import Classifier
from tasks.models.loading import load_classifier
from tasks.models.neighbours.trained import NearestNeighbours
from tasks.params import Params, load_params
from tasks.quality.leaks import leaked_ids
from tasks.stage import METRICS, MODELS, PLOTS, PREDICTIONS, REPEATS, replacing, written
from tasks.stage.command import main
from tasks.stage.tables import write_table

TRAIN_SAMPLE = 5000  # training images that are scored to measure the gap
SHOWN = 8  # test images whose neighbours are shown
NEAREST = 5  # neighbours of each


def gaps(classifier: Classifier, dataset: str, accuracy: float) -> dict[str, float]:
    """Return the accuracies on train and val, where the model has not learned them by heart."""
    if classifier.learned_by_heart:
        return {"val_accuracy": round(classifier.recipe.cross_validated_accuracy or 0.0, 6)}
    train, val = train_rows(dataset), val_rows(dataset)
    spaced = np.unique(np.linspace(0, len(train) - 1, TRAIN_SAMPLE).round().astype(int))
    seen = right(classifier, train, spaced)
    return {
        "gap": round(seen - accuracy, 6),
        "train_accuracy": round(seen, 6),
        "val_accuracy": round(right(classifier, val, np.arange(len(val))), 6),
    }


def right(classifier: Classifier, rows: Rows, which: Int64[np.ndarray, "m"]) -> float:
    """Return the accuracy on some of the rows."""
    said = [classifier.probabilities(images).argmax(axis=1) for images in rows.pieces(which)]
    return float((np.concatenate(said) == rows.labels[which]).mean())


def worst(labels: np.ndarray, probabilities: np.ndarray, most: int) -> Int64[np.ndarray, "m"]:
    """Return the positions of the mistakes, the surest of themselves first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:most]


def draw_mistakes(
    folder: Path, rows: Rows, probabilities: Float32[np.ndarray, "n k"], most: int
) -> None:
    """Draw the worst mistakes in a row, and say what they are."""
    chosen = worst(rows.labels, probabilities, most)
    predicted = probabilities.argmax(axis=1)
    if len(chosen):
        grid([[rows.images[rows.index[i]] for i in chosen]]).save(folder / "mistakes.png")
    write_table(
        folder / "mistakes.csv",
        ["id", "label", "predicted", "probability", "probability_of_label"],
        (
            [rows.ids[i], rows.classes[rows.labels[i]], rows.classes[predicted[i]],
             f"{probabilities[i, predicted[i]]:.4f}", f"{probabilities[i, rows.labels[i]]:.4f}"]
            for i in chosen
        ),
    )  # fmt: skip


def draw_neighbours(folder: Path, rows: Rows, model: NearestNeighbours) -> None:
    """Draw test images with their nearest training images, and say how far they are."""
    firsts = [np.flatnonzero(rows.labels == label)[:1] for label in range(len(rows.classes))]
    chosen = np.concatenate(firsts)[:SHOWN]
    images = rows.images[rows.index[chosen]]
    predicted = model.probabilities(images).argmax(axis=1)
    distances, positions = model.neighbours(images, min(NEAREST, len(model.images)))
    table: list[list[object]] = []
    for r, i in enumerate(chosen):
        label, said = rows.classes[rows.labels[i]], rows.classes[predicted[r]]
        table.append([r, 0, rows.ids[i], label, "", said])
        for rank, (far, near) in enumerate(zip(distances[r], positions[r], strict=True), start=1):
            apart = far if model.recipe.metric == "L1" else round(float(far) ** 0.5, 1)
            table.append([r, rank, int(near), rows.classes[model.labels[near]], apart, ""])
    pictures = [[images[r], *model.images[positions[r]]] for r in range(len(chosen))]
    grid(pictures).save(folder / "neighbours.png")
    columns = ["row", "rank", "id", "label", "distance", "predicted"]
    write_table(folder / "neighbours.csv", columns, table)


def draw_lesson(folder: Path, rows: Rows) -> None:
    """Draw a picture and three changed copies that are equally far from it."""
    if copies := lesson(rows.images[rows.index[:100]]):
        grid([[copy.pixels for copy in copies]]).save(folder / "lesson.png")
        described = ([copy.what, round(copy.distance, 1)] for copy in copies)
        write_table(folder / "lesson.csv", ["what", "distance"], described)


def spread(
    folders: list[Path], first: Classifier, accuracy: float, rows: Rows, params: Params
) -> dict[str, float]:
    """Score the models of further seeds, and return how far all seeds lie apart, if any do.

    Args:
        folders: of the models of further seeds.
        first: the model that is used.
        accuracy: its own.
        rows: of the test set.
        params: the whole file.
    """
    scored = {first.recipe.train.seed: accuracy}
    for folder in folders:
        model = load_classifier(folder, threads=params.threads, memory_mib=params.memory_mib)
        scored[model.recipe.train.seed] = right(model, rows, np.arange(len(rows)))
    if len(scored) < 2:
        return {}
    each = {f"accuracy_of_seed.{seed}": round(scored[seed], 6) for seed in sorted(scored)}
    return each | Spread.of([*scored.values()], len(rows)).as_metrics()


def run(name: str) -> None:
    """Score one experiment: its model, and those that differ from it in the seed."""
    params = load_params()
    dataset, wanted = params.experiment(name).dataset, params.evaluate
    rows = test_rows(dataset)
    found = read_calibration(path_of(name), digest_of_model(MODELS / name))
    repeated = sorted((REPEATS / name).glob("seed-*"))
    for model in (MODELS / name, *repeated):
        record(dataset, rows, name, model, wanted.looks)
    classifier = load_classifier(
        MODELS / name, threads=params.threads, memory_mib=params.memory_mib
    )
    probabilities = np.concatenate([classifier.probabilities(i) for i in rows.pieces()])
    metrics = score(rows.labels, probabilities, rows.classes, wanted.calibration_bins)
    metrics |= without(rows.labels, probabilities, np.isin(rows.ids, [*leaked_ids(dataset)]))
    metrics |= gaps(classifier, dataset, metrics["accuracy"])
    metrics |= spread(repeated, classifier, metrics["accuracy"], rows, params)
    metrics |= confidence(rows.labels, probabilities, found, wanted.calibration_bins)
    calibrated = found.calibrated(probabilities)
    with replacing(PLOTS / name / "pictures") as pictures:
        pictures.mkdir()
        draw_mistakes(pictures, rows, probabilities, wanted.mistakes)
        if isinstance(classifier, NearestNeighbours):
            draw_neighbours(pictures, rows, classifier)
            draw_lesson(pictures, rows)
    write_plots(PLOTS / name, rows, probabilities, calibrated, wanted.calibration_bins)
    write_predictions(PREDICTIONS / f"{name}.csv", rows, probabilities)
    path = PREDICTIONS / f"{name}.calibrated.csv"
    write_calibrated(path, rows, calibrated, found.sets(probabilities))
    written(METRICS / f"{name}.json", json.dumps(metrics, indent=2, sort_keys=True) + "\n")
    print(f"{name}: test accuracy {metrics['accuracy']:.4f} on {metrics['n']} images")


if __name__ == "__main__":
    main(run, names=lambda: load_params().experiments, what="experiment")
