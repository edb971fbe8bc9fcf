"""Say what is on pictures, with a trained model.

    python -m tasks.predict cats_vs_dogs_best photo.jpg holiday/ --top 2

Pictures are decoded and resized exactly as `prepare` did it for training. Probabilities are
calibrated. Where one class is not enough to be right as often as `calibrate.coverage` of
params.yaml asks, the answer is "not sure", with all classes that it may be. Files that cannot be
read are reported and the rest is still predicted; the exit status is then 1.

All cores decode pictures while the model looks at others, and answers are written as they
come, so memory stays the same whatever the number of pictures.
"""

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from io import TextIOWrapper
from pathlib import Path

import numpy as np

from tasks.arguments import at_least
from tasks.images.decode import decode
from tasks.images.depth import Unreadable
from tasks.measures.calibration import Calibration, path_of, read_calibration
from tasks.measures.ledger import digest_of_model
from tasks.models.classifier import Classifier
from tasks.models.loading import load_classifier
from tasks.params import Prepare, load_params
from tasks.report.answers import Prediction, show_csv, show_json, show_table
from tasks.stage import MODELS, StageError, cores, errors_in_one_line, progress

BATCH = 256  # pictures that are decoded and classified at a time


def pictures(paths: list[Path]) -> list[Path]:
    """Return the files that are meant: those named, and all in the folders named.

    Raises:
        StageError: if a path does not exist or there is no file at all.
    """
    files: list[Path] = []
    for path in paths:
        if not os.path.exists(path):
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


def read_ahead(files: list[Path], prepare: Prepare) -> Iterator[list[np.ndarray | Unreadable]]:
    """Yield batches of pixels in the order of the files; the next one is decoded meanwhile."""
    with ThreadPoolExecutor(cores()) as threads:
        waiting: deque[Iterator[np.ndarray | Unreadable]] = deque()
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            waiting.append(threads.map(lambda file: decoded(file, prepare), batch))
            if len(waiting) > 1:
                yield list(waiting.popleft())
        while waiting:
            yield list(waiting.popleft())


def predict(
    classifier: Classifier, found: Calibration, files: list[Path], top: int
) -> Iterator[Prediction]:
    """Yield what the model says of each file, in their order; a few batches are in memory."""
    names = np.array(classifier.recipe.classes)
    following = iter(files)
    for read in read_ahead(files, classifier.recipe.prepare):
        images = [pixels for pixels in read if isinstance(pixels, np.ndarray)]
        said = iter(judged(classifier, found, images) if images else ())
        for pixels in read:
            file = str(next(following))
            if isinstance(pixels, Unreadable):
                yield Prediction(file, [], [], 0, str(pixels))
                continue
            probabilities, possible = next(said)
            order = np.argsort(-probabilities, kind="stable")[: max(top, possible)]
            likeliest = [round(float(p), 6) for p in probabilities[order]]
            yield Prediction(file, names[order].tolist(), likeliest, possible)


def judged(
    classifier: Classifier, found: Calibration, images: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the calibrated probabilities of each image, and how many classes are possible."""
    said = classifier.probabilities(np.stack(images))
    sizes = found.sets(said).sum(axis=1).tolist()
    yield from zip(found.calibrated(said), sizes, strict=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", help="whose model to use")
    parser.add_argument("paths", nargs="+", type=Path, help="pictures or folders of pictures")
    parser.add_argument(
        "--top", type=at_least(1), default=1, metavar="N", help="classes to show of each"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="show", action="store_const", const=show_json)
    form.add_argument("--csv", dest="show", action="store_const", const=show_csv)
    parser.set_defaults(show=show_table)
    return parser.parse_args()


def main() -> int:
    """Run the command; return its exit status."""
    wanted, out = arguments(), sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # names of files may hold anything
    params = load_params()
    params.experiment(wanted.experiment)
    files = pictures(wanted.paths)
    folder = MODELS / wanted.experiment
    classifier = load_classifier(folder, threads=params.threads, memory_mib=params.memory_mib)
    found = read_calibration(path_of(wanted.experiment), digest_of_model(folder))
    broken: list[Prediction] = []
    started = time.perf_counter()
    with told(len(files)) as advance:  # `print` would go where the bar is
        predictions = noted(predict(classifier, found, files, wanted.top), broken, advance)
        wanted.show(predictions, max(len(str(file)) for file in files), out)
    out.flush()
    seconds = time.perf_counter() - started
    rate = f"{len(files) / seconds:,.0f} a second"
    print(f"{len(files):,} in {seconds:.1f} s: {rate}", file=sys.stderr)
    for p in broken:
        print(f"cannot be read: {p.file}: {p.error}", file=sys.stderr)
    return 1 if broken else 0


def told(count: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show progress, unless the predictions themselves show it on the same terminal."""
    return nullcontext(lambda _: None) if sys.stdout.isatty() else progress("pictures", count)


def noted(
    predictions: Iterator[Prediction], broken: list[Prediction], advance: Callable[[int], None]
) -> Iterator[Prediction]:
    """Pass predictions on, counting them and keeping what is wrong with some."""
    for prediction in predictions:
        if prediction.error:
            broken.append(prediction)
        advance(1)
        yield prediction


if __name__ == "__main__":
    with errors_in_one_line():
        raise SystemExit(main())
