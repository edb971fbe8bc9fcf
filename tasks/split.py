"""Assign every sample to train, val or test by its content, never by its position.

A sample's split depends on its pixels and the seed alone. So the order of the files does
not matter, no sample moves when the dataset grows before a retraining, and two copies of
one picture never straddle a border that we draw. The price: the shares hold only on
average, within a few times sqrt(n) samples.

The authors' own split wins. Their test set stays the test set; if they give only a
validation set, that is scored at the end and so is the test set. If they give both, val is
theirs, too, and none is carved from train. Copies across the authors' borders, and pictures that
are only nearly copies, are what `check` looks for.

    python -m tasks.split cats_vs_dogs
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.images.samples import SPLIT_NAMES, Sample, SplitName, classes_of, position, read_samples
from tasks.labels.corrections import refuse_in_test
from tasks.params import Split, load_params
from tasks.stage import SPLITS, StageError, written
from tasks.stage.command import main
from tasks.stage.tables import write_table


def run(name: str) -> None:
    """Split one dataset: read its samples, write `data/splits/<name>.*`."""
    params = load_params().dataset(name).split
    theirs = authors_splits({sample.role for sample in read_samples(name)})
    places: list[SplitName] = []
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLIT_NAMES}
    for sample in read_samples(name):
        place = assign(sample, theirs, params, name)
        places.append(place)
        counts[place][sample.label] += 1
    check(counts, classes_of(name), name)
    refuse_in_test(name, ids(name), places)
    summary = summarise(counts, theirs, params)
    write_table(SPLITS / f"{name}.csv", ("id", "split"), zip(ids(name), places, strict=True))
    written(SPLITS / f"{name}.summary.json", json.dumps(summary, indent=2, sort_keys=True) + "\n")
    print(in_one_line(name, summary))


def ids(name: str) -> Iterator[str]:
    """Yield the ids of a prepared dataset, which are read again rather than kept."""
    return (sample.id for sample in read_samples(name))


def authors_splits(roles: Iterable[str]) -> dict[str, SplitName]:
    """Return which split each role of the authors is; their training set is ours to carve."""
    if "test" in roles:
        return {"test": "test", "val": "val"} if "val" in roles else {"test": "test"}
    return {"val": "test"} if "val" in roles else {}


def assign(sample: Sample, theirs: dict[str, SplitName], params: Split, name: str) -> SplitName:
    """Return the split of one sample.

    Raises:
        StageError: if neither the authors nor the parameters give a test set.
    """
    if sample.role in theirs:
        return theirs[sample.role]
    if "test" not in (given := theirs.values()) and params.test is None:
        raise StageError(
            f"'{name}' has no test set of its authors' and no share for one: expected a share "
            f"as datasets.{name}.split.test in params.yaml, got null."
        )
    test = 0.0 if "test" in given else params.test or 0.0
    val = 0.0 if "val" in given else params.val
    at = position(params.seed, sample.digest)
    return "test" if at < test else "val" if at < test + val else "train"


def check(counts: Mapping[str, Counter[str]], classes: Iterable[str], name: str) -> None:
    """Refuse splits with which training or scoring is undefined.

    Raises:
        StageError: if a split is empty, or a class has nothing to learn from.
    """
    remedy = f"Add samples, or change datasets.{name}.split in params.yaml."
    if empty := [split for split in SPLIT_NAMES if not counts[split]]:
        total = sum(labels.total() for labels in counts.values())
        raise StageError(
            f"no sample of '{name}' fell into {' and '.join(empty)}: expected at least 1 of "
            f"{total:,} in each split. {remedy}"
        )
    if missing := [label for label in classes if not counts["train"][label]]:
        raise StageError(
            f"class '{missing[0]}' of '{name}' has no sample in train: expected at least 1. "
            f"{remedy}"
        )


def summarise(
    counts: Mapping[str, Counter[str]], theirs: dict[str, SplitName], params: Split
) -> dict[str, Any]:
    """Say how many samples of each class each split has, and where the splits come from."""
    return {
        "counts": counts,
        "test_is": origin("test", theirs, params.test),
        "val_is": origin("val", theirs, params.val),
    }


def origin(split: SplitName, theirs: dict[str, SplitName], share: float | None) -> str:
    """Say where a split comes from."""
    roles = [role for role, given in theirs.items() if given == split]
    if not roles:
        return f"a share of {share}, by content"
    unused = "" if share is None else f"; the share {share} in params.yaml is not used"
    return f"the authors' {roles[0]} set{unused}"


def in_one_line(name: str, summary: dict[str, Any]) -> str:
    """Say what was done."""
    split = ", ".join(f"{sum(n.values()):,} {place}" for place, n in summary["counts"].items())
    return f"{name}: {split}."


if __name__ == "__main__":
    main(run, names=lambda: load_params().datasets, what="dataset")
