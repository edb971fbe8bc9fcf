"""Bring the raw files of a dataset to data/raw/, every byte checked.

    python -m tasks.download mnist

The places named in params.yaml are tried in order, DATASET_MIRROR (a folder or an http(s)
URL) before them, until one gives the right bytes. Where an archive has no checksum, or is
packed differently by a mirror, its members are checked instead, so that data/raw/ is the
same whatever they came in.
"""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tasks.datasets.archives import Unusable, inside, unpack
from tasks.datasets.checksums import check, digest_of, is_member
from tasks.datasets.sources import first_good, located, mirrored
from tasks.params import Archive, Files, Local, load_params
from tasks.stage import RAW, SCRATCH, StageError, progress, replacing
from tasks.stage.command import main

ENDINGS = (".tar.gz", ".tgz", ".zip", ".tar.xz", ".tar.bz2", ".tar")


def run(name: str) -> None:
    """Download one dataset.

    Raises:
        StageError: if no source gives the right bytes, or the disk does not take them.
    """
    source, folder = load_params().dataset(name).source, RAW / name
    try:
        take(source, folder, SCRATCH / "download" / name)
    except OSError as error:
        raise StageError(
            f"cannot fill the folder '{folder}': {error.strerror}: '{error.filename or folder}'."
        ) from error


def take(source: Files | Archive | Local, folder: Path, scratch: Path) -> None:
    """Bring what a source has, unless it is there."""
    if isinstance(source, Local):
        take_own(source, folder)
    elif is_whole(folder, source):
        print(f"{folder}: complete already, checksums match.")
    elif isinstance(source, Files):
        take_files(source, folder, scratch)
    else:
        take_archive(source, folder, scratch)


def take_files(source: Files, folder: Path, scratch: Path) -> None:
    """Bring files one by one; the folder appears when all are there."""
    advice = advise(", ".join(f"{source.mirror}/{name}" for name in source.files))
    with replacing(folder) as temporary:
        for name, digest in source.files.items():
            locations = mirrored(source.mirror, [name])
            locations += [located(place, name) for place in source.urls]
            keep = partial(keep_file, folder=temporary, name=name, digest=digest)
            where = first_good(name, locations, scratch, keep, advice)
            print(f"{folder / name}: from {where}, checksum matches.")
    shutil.rmtree(scratch, ignore_errors=True)


def keep_file(path: Path, folder: Path, name: str, digest: str) -> None:
    """Copy a file into a folder and check the copy.

    Raises:
        Unusable: if it is not the promised one.
    """
    kept = folder / inside(name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, kept)
    check({name: digest_of(kept)}, {name: digest})


def take_archive(source: Archive, folder: Path, scratch: Path) -> None:
    """Bring an archive and unpack the members that are known."""
    advice = advise(f"{source.mirror}/{source.stem} with one of the endings {' '.join(ENDINGS)}")
    locations = mirrored(source.mirror, [source.stem + ending for ending in ENDINGS])

    def keep(path: Path) -> None:
        with replacing(folder) as temporary:
            digests = unpack(
                path,
                temporary,
                max_unpacked_mib=source.max_unpacked_mib,
                wanted=lambda name: is_member(name, source.members),
            )
            check(digests, source.members)

    where = first_good(source.stem, locations + source.urls, scratch, keep, advice)
    print(f"{folder}: unpacked from {where}, checksums match.")
    shutil.rmtree(scratch, ignore_errors=True)


def take_own(source: Local, folder: Path) -> None:
    """Copy a folder, or unpack an archive, of pictures of one's own.

    Raises:
        StageError: if it is missing, or not to be copied or unpacked.
    """
    watch = Path(source.watch).expanduser()
    if not (watch.is_dir() or watch.is_file()):
        raise StageError(
            f"no '{watch}': expected a folder, zip or tar of pictures in a folder per class. "
            "Correct `watch` in params.yaml."
        )
    try:
        with replacing(folder) as temporary:
            if watch.is_dir():
                copy_folder(watch, temporary)
            else:
                limit = source.max_unpacked_mib
                unpack(watch, temporary, max_unpacked_mib=limit, wanted=lambda _: True)
    except Unusable as why:
        raise StageError(f"cannot use the pictures in '{watch}': {why}.") from why
    print(f"{folder}: taken from {watch}.")


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder as it is; links to files inside it become files.

    Raises:
        Unusable: if it holds links to elsewhere, or what is neither file nor folder.
    """
    root = source.resolve()
    paths = [Path(top, name) for top, below, files in walk(root) for name in below + files]
    target.mkdir(parents=True)
    with progress(f"copying {source.name} (files)", len(paths)) as advance:
        for path in paths:
            copy_entry(path, root, target / path.relative_to(root))
            advance(1)


def copy_entry(path: Path, root: Path, target: Path) -> None:
    """Copy a file, or make a folder, that stands somewhere below `root`."""
    real = Path(os.path.realpath(path))
    if path.is_symlink() and not (real.is_file() and real.is_relative_to(root)):
        raise Unusable(f"'{path}' is a link, but not to a file in the same folder")
    if path.is_dir():
        target.mkdir()
    elif path.is_file():
        shutil.copyfile(path, target)
    else:
        raise Unusable(f"'{path}' is neither a file nor a folder")


def walk(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """List a folder, parents first; one that may not be read is an error, not empty."""

    def refuse(error: OSError) -> None:
        raise error

    return os.walk(root, onerror=refuse)


def advise(content: str) -> str:
    """Say what to do when no source works."""
    return f"Set DATASET_MIRROR to a folder or http(s) URL that holds {content}; run this again."


def is_whole(folder: Path, source: Files | Archive) -> bool:
    """Say whether a folder holds a dataset and nothing else."""
    expected = source.files if isinstance(source, Files) else source.members
    files = [path for path in folder.rglob("*") if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): digest_of(path) for path in files}
    try:
        check(digests, expected)
    except Unusable:
        return False
    return all(is_member(name, expected) for name in digests)


if __name__ == "__main__":
    main(run, names=lambda: load_params().datasets, what="dataset")
