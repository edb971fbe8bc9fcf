"""Decode and check every picture of a dataset, resize it once, and pack all into one array.

Pictures are worked on by all cores, a few at a time, and written straight to their rows of
the array on disk, so memory stays the same whatever the size of the dataset. What cannot be
decoded is quarantined: listed with its reason, counted, and left where it is. The price of
resizing once: another size needs another run. A run that was killed is taken up where it was.

    python -m tasks.prepare cats_vs_dogs
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tasks.datasets.packing import Broken, pack, packed
from tasks.datasets.pictures import Listing
from tasks.datasets.readers import READERS
from tasks.datasets.rows import Rows
from tasks.images.samples import Sample
from tasks.labels.corrections import corrected, read_corrections
from tasks.params import Prepare, load_params
from tasks.stage import PREPARED, RAW, SCRATCH, StageError, remove, replacing, written
from tasks.stage.command import main
from tasks.stage.tables import write_table
from tasks.stage.unfinished import code, unfinished

LOG = "packed.jsonl"
Counts = Counter[tuple[str, str]]  # of samples, by role and label


def run(name: str) -> None:
    """Prepare one dataset: read `data/raw/<name>`, write `data/prepared/<name>`."""
    dataset = load_params().dataset(name)
    prepare, path = dataset.prepare, Path(dataset.labels)
    corrections = read_corrections(path)
    listing = READERS[prepare.reader](RAW / name)
    check_listing(name, listing)
    depends_on = inputs(RAW / name, prepare)
    with unfinished("prepare", name, depends_on) as scratch, replacing(PREPARED / name) as folder:
        folder.mkdir()
        rows = rows_to_fill(scratch, listing.count, prepare)
        log = scratch / LOG
        pack(rows, listing, prepare, f"prepare {name}", log)
        broken = {at: r for at, r in enumerate(packed(log)) if isinstance(r, Broken)}
        check_quarantine(name, list(broken.values()), listing.count, prepare.max_quarantined)
        given = (result for result in packed(log) if isinstance(result, Sample))
        counts: Counts = Counter()
        samples = counted(corrected(given, corrections, listing.classes, path), counts)
        write_table(folder / "samples.csv", Sample._fields, samples)
        write_table(folder / "quarantine.csv", Broken._fields, broken.values())
        check_classes(name, listing, counts)
        rows.move([at not in broken for at in range(listing.count)], folder / "images.npy")
        summary = summarise(listing, counts, len(broken), prepare)
        if corrections:
            summary["relabelled"] = sorted(correction.id for correction in corrections)
        written(folder / "summary.json", json.dumps(summary, indent=2, sort_keys=True) + "\n")
    print(in_one_line(name, summary))


def counted(samples: Iterable[Sample], counts: Counts) -> Iterator[Sample]:
    """Yield samples, and count them by role and label on their way."""
    for sample in samples:
        counts[sample.role, sample.label] += 1
        yield sample


def check_listing(name: str, listing: Listing) -> None:
    """Refuse what cannot become a classifier before anything is decoded.

    Raises:
        StageError: if there is no picture, or one class only.
    """
    if listing.count == 0:
        raise StageError(f"no pictures in '{RAW / name}': expected a folder per class with some.")
    if len(listing.classes) < 2:
        raise StageError(
            f"'{RAW / name}' has one class, '{listing.classes[0]}': expected at least 2. "
            "Add a folder of pictures per class."
        )


def inputs(raw: Path, prepare: Prepare) -> Iterator[bytes]:
    """Yield all that packing depends on: the files as the disk dates them, parameters, code.

    The start of the machine is among them: what a power failure left in the file of images
    cannot be told from what was written.
    """
    yield from (prepare.model_dump_json().encode(), str(round(psutil.boot_time(), -2)).encode())
    for folder, folders, files in os.walk(raw):
        folders.sort()
        for path in (os.path.join(folder, name) for name in sorted(files)):
            try:
                known = os.stat(path)
            except FileNotFoundError:  # a link that leads nowhere
                known = os.lstat(path)
            yield f"{path} {known.st_size} {known.st_mtime_ns}".encode(errors="surrogateescape")
    yield from code("datasets", "images", "params")


def rows_to_fill(scratch: Path, count: int, prepare: Prepare) -> Rows:
    """Return the rows that a killed run left, or new ones."""
    path = scratch / "images.npy"
    if path.exists() and (scratch / LOG).exists():
        return Rows.open(path)
    remove(scratch)
    scratch.mkdir(parents=True)
    refuse_full_disk(scratch, count, prepare)
    return Rows.create(path, count, (prepare.height, prepare.width, prepare.channels))


def refuse_full_disk(folder: Path, count: int, prepare: Prepare) -> None:
    """Check that the array fits: a write to a mapped file on a full disk kills the process.

    Raises:
        StageError: if it does not.
    """
    needed = count * prepare.height * prepare.width * prepare.channels
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StageError(
            f"not enough space in '{PREPARED}': {count:,} images need {needed / 2**20:,.0f} MiB, "
            f"{free / 2**20:,.0f} MiB are free. Make room, or prepare smaller images."
        )


def check_quarantine(name: str, broken: list[Broken], count: int, most: float) -> None:
    """Stop if more pictures are broken than the parameters allow.

    Raises:
        StageError: with some of them and their reasons; all are listed in a file.
    """
    if len(broken) <= most * count:
        return
    path = SCRATCH / "prepare" / f"{name}.quarantine.csv"
    write_table(path, Broken._fields, broken)
    examples = "; ".join(f"'{file}': {reason}" for file, reason in broken[:3])
    raise StageError(
        f"{len(broken):,} of {count:,} files of '{name}' cannot be used: expected at most "
        f"{most:.2%}. {examples}. All are listed in '{path}'. Repair or remove them in the "
        f"source, or raise datasets.{name}.prepare.max_quarantined in params.yaml."
    )


def check_classes(name: str, listing: Listing, counts: Counts) -> None:
    """Refuse a class without pictures, in any role.

    Raises:
        StageError: if there is one, for a model could not learn it or be scored on it.
    """
    for role in listing.roles:
        for label in listing.classes:
            if not counts[role, label]:
                where = f" in {role}" if role else ""
                raise StageError(
                    f"class '{label}' of '{name}' has no readable picture{where}: expected at "
                    "least 1. Add pictures, or remove the class."
                )


def summarise(listing: Listing, counts: Counts, broken: int, prepare: Prepare) -> dict[str, Any]:
    """Say how much was packed, quarantined and ignored."""
    labels: Counter[str] = Counter()
    for (_, label), count in counts.items():
        labels[label] += count
    return {
        "channels": prepare.channels,
        "classes": listing.classes,
        "counts": labels,
        "height": prepare.height,
        "ignored": dict(sorted(listing.ignored.items())),
        "images": counts.total(),
        "quarantined": broken,
        "roles": {
            role: {label: counts[role, label] for label in listing.classes}
            for role in listing.roles
            if role
        },
        "width": prepare.width,
    }


def in_one_line(name: str, summary: dict[str, Any]) -> str:
    """Say what was done."""
    ignored = ", ".join(f"{n:,} {kind}" for kind, n in summary["ignored"].items()) or "none"
    relabelled = len(summary.get("relabelled", []))
    return (
        f"{name}: {summary['images']:,} images of {len(summary['classes'])} classes, "
        + (f"{relabelled:,} labels corrected, " if relabelled else "")
        + f"{summary['quarantined']:,} quarantined; ignored files: {ignored}."
    )


if __name__ == "__main__":
    main(run, names=lambda: load_params().datasets, what="dataset")
