"""Look for leaks and other flaws in a dataset before anything is trained on it.

Copies of a picture in two splits make a test set flatter: they are found even if they were
cropped, resized, recoloured or mirrored. What is done about them, `check.leaks` in params.yaml
says: warn, leave them out of training, or refuse to train. Test pictures are never touched.
Only pixels and labels are compared here; no model sees a test picture.

    python -m tasks.check cifar10

Leaves the counts for a diff in `data/checks/<dataset>.json`, and beside it the pairs, the odd
pictures, what training may use, and a page with the pairs side by side.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.images.samples import SplitName
from tasks.params import Check, load_params
from tasks.quality import findings
from tasks.quality.census import census, named
from tasks.quality.duplicates import find
from tasks.quality.findings import Copy
from tasks.quality.oddities import oddities
from tasks.quality.page import html
from tasks.stage import CHECKS, PREPARED, StageError, replacing, timed, written
from tasks.stage.command import main
from tasks.stage.tables import write_table


def run(name: str) -> None:
    """Check one dataset.

    Raises:
        StageError: if pictures leak and the parameters say `fail`, what was found is written;
            if leaving out the copies would leave nothing to learn from.
    """
    everything = load_params()
    params = everything.dataset(name)
    with timed(f"check@{name}"):
        pictures = census(name)
        counts = pictures.counts()
        images = np.load(PREPARED / name / "images.npy", mmap_mode="r")
        digests, splits = pictures.digests, pictures.splits
        pairs = find(images, digests, splits, params.check, everything.memory_mib)
        odd = oddities(images, pictures.widths, pictures.heights, params.check)
        called = named(name, {*(at for pair in pairs for at in pair[:2]), *(o.at for o in odd)})
        found = findings.copies(pairs, called)
        summary = findings.summary(found, odd, counts, params.check)
        left = findings.left_out(found, params.check)
        complain_of_nothing_left(name, found, left, counts)
        verdict = {"left_out": left, "training": training(summary)}
        with replacing(CHECKS / name) as folder:
            folder.mkdir()
            write_table(folder / "pairs.csv", findings.Copy._fields, found)
            rows = ((*called[oddity.at], *oddity[1:]) for oddity in odd)
            write_table(folder / "odd.csv", ["id", "split", "label", "kind", "value"], rows)
            written(folder / "verdict.json", as_json(verdict))
            written(
                folder / "index.html",
                html(params.title, summary, found, odd, called, images, params.check),
            )
        written(CHECKS / f"{name}.json", as_json(summary))
    print(in_one_line(name, summary))
    for warning in findings.warnings(summary, params.check):
        print(f"warning: {name}: {warning}")
    refuse(name, summary, params.check)


def training(summary: dict[str, Any]) -> str:
    """Say whether models may be trained."""
    return "refused" if summary["verdict"] == "refused" else "allowed"


def complain_of_nothing_left(
    name: str, found: Sequence[Copy], left: Sequence[str], counts: Counter[tuple[SplitName, str]]
) -> None:
    """Refuse to leave so much out that a class has nothing to learn from.

    Raises:
        StageError: if a class had samples in train and has none any more.
    """
    gone = set(left)
    out = {(copy.id, copy.split, copy.label) for copy in found if copy.id in gone}
    kept = counts - Counter((split, label) for _, split, label in out)
    before, after = ({label for split, label in c if split == "train"} for c in (counts, kept))
    if (lost := sorted(before - after)) or not any(split == "val" for split, _ in kept):
        which = f"class '{lost[0]}' without a sample in train" if lost else "val without a sample"
        raise StageError(
            f"leaving out {len(gone):,} copies would leave {which} of '{name}': expected at least "
            f"1. Set datasets.{name}.check.leaks to warn in params.yaml, or get other pictures."
        )


def refuse(name: str, summary: dict[str, Any], params: Check) -> None:
    """Stop what depends on this dataset, if the parameters want it.

    Raises:
        StageError: if pictures leak and the parameters say `fail`.
    """
    if summary["verdict"] == "refused":
        raise StageError(
            f"'{name}' leaks: {summary['leaked_test_images']:,} test and "
            f"{summary['leaked_val_images']:,} val pictures have copies in other splits, expected "
            f"none. Look at '{CHECKS / name / 'index.html'}'; then remove the copies, or set "
            f"datasets.{name}.check.leaks to drop_from_train or warn in params.yaml."
        )


def as_json(value: dict[str, Any]) -> str:
    """Return a JSON text that changes no more than its values do."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def in_one_line(name: str, summary: dict[str, Any]) -> str:
    """Say what was found."""
    pairs = {kind: sum(counts.values()) for kind, counts in summary["copies"].items()}
    return (
        f"{name}: {summary['verdict']}; {pairs['exact']:,} exact, {pairs['near']:,} near and "
        f"{pairs['mirrored']:,} mirrored pairs of copies; {summary['leaked_test_images']:,} test "
        f"pictures ({100 * summary['leaked_test_share']:.2f} %) and "
        f"{summary['leaked_val_images']:,} of val have a copy in another split, "
        f"{summary['left_out_of_training']:,} pictures are left out of training."
    )


if __name__ == "__main__":
    main(run, names=lambda: load_params().datasets, what="dataset")
