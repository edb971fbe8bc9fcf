"""Say what is on pictures, with a trained model.

    python -m tasks.predict cats_vs_dogs_best photo.jpg holiday/ --top 2

Pictures are decoded and resized exactly as `prepare` did it for training. Probabilities are
calibrated. Where one class is not enough to be right as often as `calibrate.coverage` of
params.yaml asks, the answer is "not sure", with all classes that it may be. Files that cannot be
read are reported and the rest is still predicted; the exit status is then 1.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from tasks.images.decode import decode
from tasks.images.depth import Unreadable
from tasks.measures.calibration import Calibration, path_of, read_calibration
from tasks.measures.ledger import digest_of_model
from tasks.models.classifier import Classifier
from tasks.models.loading import load_classifier
from tasks.params import Prepare, load_params
from tasks.report.wording import certainty, listed
from tasks.stage import MODELS, StageError, cores, errors_in_one_line, progress

BATCH = 256  # pictures that are decoded and classified at a time


class Prediction(NamedTuple):
    """What a model says of one picture."""

    file: str
    classes: list[str]  # the likeliest first, never fewer than are possible
    probabilities: list[float]  # calibrated
    possible: int  # how many of these it may be; 1 if the model is sure
    error: str | None = None  # why nothing can be said


def pictures(paths: list[Path]) -> list[Path]:
    """Return the files that are meant: those named, and all in the folders named.

    Raises:
        StageError: if a path does not exist or there is no file at all.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise StageError(f"no '{path}': expected a picture or a folder of pictures.")
        inside = (f for f in path.rglob("*") if f.is_file() and not f.name.startswith("."))
        files += sorted(inside) if path.is_dir() else [path]
    if not files:
        raise StageError(f"no file in {', '.join(map(str, paths))}: expected pictures.")
    return files


def decoded(file: Path, prepare: Prepare) -> np.ndarray | Unreadable:
    """Return the pixels of a file, or why there are none."""
    try:
        return decode(file, prepare).pixels
    except Unreadable as error:
        return error


def predict(
    classifier: Classifier, found: Calibration, files: list[Path], top: int
) -> Iterator[Prediction]:
    """Yield what the model says of each file, in their order, batch by batch."""
    names = np.array(classifier.recipe.classes)
    with ThreadPoolExecutor(cores()) as threads:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            read = list(threads.map(lambda f: decoded(f, classifier.recipe.prepare), batch))
            images = [pixels for pixels in read if isinstance(pixels, np.ndarray)]
            said = iter(judged(classifier, found, images) if images else ())
            for file, pixels in zip(batch, read, strict=True):
                if isinstance(pixels, Unreadable):
                    yield Prediction(str(file), [], [], 0, str(pixels))
                    continue
                probabilities, possible = next(said)
                order = np.argsort(-probabilities, kind="stable")[: max(top, possible)]
                likeliest = [round(float(p), 6) for p in probabilities[order]]
                yield Prediction(str(file), names[order].tolist(), likeliest, possible)


def judged(
    classifier: Classifier, found: Calibration, images: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the calibrated probabilities of each image, and how many classes are possible."""
    said = classifier.probabilities(np.stack(images))
    sizes = found.sets(said).sum(axis=1).tolist()
    yield from zip(found.calibrated(said), sizes, strict=True)


def in_words(p: Prediction) -> str:
    """Return what is said of one picture."""
    if p.error:
        return f"cannot be read: {p.error}"
    pairs = zip(p.classes, p.probabilities, strict=True)
    said = [f"{name} {certainty(probability)}" for name, probability in pairs]
    if p.possible == 1:
        return ", ".join(said)
    rest = f"; less likely: {', '.join(said[p.possible :])}" if said[p.possible :] else ""
    return f"not sure: {listed(said[: p.possible], 'or')}{rest}"


def show_table(predictions: list[Prediction]) -> None:
    """Print predictions for a person."""
    table = Table("picture", "class and probability")
    for p in predictions:
        table.add_row(p.file, in_words(p))
    Console(width=None if sys.stdout.isatty() else 120).print(table, markup=False)


def show_csv(predictions: list[Prediction]) -> None:
    """Print one line per picture and class; `possible` is 0 for what it is not."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "rank", "class", "probability", "possible"])
    for p in predictions:
        for rank, said in enumerate(zip(p.classes, p.probabilities, strict=True), start=1):
            writer.writerow([p.file, rank, *said, int(rank <= p.possible)])


def show_json(predictions: list[Prediction]) -> None:
    """Print one list of objects; broken pictures have an `error` and no classes."""
    print(json.dumps([p._asdict() for p in predictions], indent=2, ensure_ascii=False))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", help="whose model to use")
    parser.add_argument("paths", nargs="+", type=Path, help="pictures or folders of pictures")
    parser.add_argument("--top", type=int, default=1, metavar="N", help="classes to show of each")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="show", action="store_const", const=show_json)
    form.add_argument("--csv", dest="show", action="store_const", const=show_csv)
    parser.set_defaults(show=show_table)
    return parser.parse_args()


def main() -> int:
    """Run the command; return its exit status."""
    wanted = arguments()
    params = load_params()
    params.experiment(wanted.experiment)
    files = pictures(wanted.paths)
    folder = MODELS / wanted.experiment
    classifier = load_classifier(folder, threads=params.threads, memory_mib=params.memory_mib)
    found = read_calibration(path_of(wanted.experiment), digest_of_model(folder))
    predictions = []
    with progress("pictures", len(files)) as advance:
        for prediction in predict(classifier, found, files, wanted.top):
            predictions.append(prediction)
            advance(1)
    wanted.show(predictions)
    broken = [p for p in predictions if p.error]
    for p in broken:
        print(f"cannot be read: {p.file}: {p.error}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    with errors_in_one_line():
        raise SystemExit(main())
