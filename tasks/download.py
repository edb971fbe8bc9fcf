"""Bring the raw files of a dataset to data/raw/, every byte checked.

    python -m tasks.download mnist

The places named in params.yaml are tried in order, DATASET_MIRROR (a folder or an http(s)
URL) before them, until one gives the right bytes. Where an archive has no checksum, or is
packed differently by a mirror, its members are checked instead, so that data/raw/ is the
same whatever they came in.
"""

import shutil
from fnmatch import fnmatchcase
from hashlib import file_digest, sha256
from os import fsencode
from pathlib import Path

from tasks.datasets.archives import Unusable, unpack
from tasks.datasets.sources import first_good, located, mirrored
from tasks.params import Archive, Files, Local, Members, load_params
from tasks.stage import RAW, SCRATCH, StageError, main, replacing

ENDINGS = (".tar.gz", ".tgz", ".zip", ".tar.xz", ".tar.bz2", ".tar")


def run(name: str) -> None:
    """Download one dataset.

    Raises:
        StageError: if no source gives the right bytes.
    """
    source, folder, scratch = load_params().dataset(name).source, RAW / name, SCRATCH / "download"
    if isinstance(source, Local):
        take_own(source, folder)
    elif is_whole(folder, source):
        print(f"{folder}: complete already, checksums match.")
    elif isinstance(source, Files):
        take_files(source, folder, scratch / name)
    else:
        take_archive(source, folder, scratch / name)


def take_files(source: Files, folder: Path, scratch: Path) -> None:
    """Bring files one by one; the folder appears when all are there."""
    advice = advise(f"{source.mirror}/ with {', '.join(source.files)}")
    with replacing(folder) as temporary:
        for name, digest in source.files.items():
            locations = mirrored(source.mirror, [name])
            locations += [located(place, name) for place in source.urls]

            def keep(path: Path, name: str = name, digest: str = digest) -> None:
                kept = temporary / name
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, kept)
                check({name: digest_of(kept)}, {name: digest})

            where = first_good(name, locations, scratch, keep, advice)
            print(f"{folder / name}: from {where}, checksum matches.")
    shutil.rmtree(scratch, ignore_errors=True)


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
    if not watch.exists():
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
        raise StageError(f"cannot use '{watch}': {why}.") from why
    print(f"{folder}: taken from {watch}.")


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder as it is; links to files inside it become files.

    Raises:
        Unusable: if it holds links to elsewhere, or what is neither file nor folder.
        StageError: if a file cannot be copied.
    """
    root = source.resolve()
    target.mkdir(parents=True)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        real = path.resolve()
        if path.is_symlink() and not (real.is_file() and real.is_relative_to(root)):
            raise Unusable(f"'{name}' is a link, but not to a file in the same folder")
        if path.is_dir():
            (target / name).mkdir(parents=True, exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, target / name)
        else:
            raise Unusable(f"'{name}' is neither a file nor a folder")


def advise(content: str) -> str:
    """Say what to do when no source works."""
    return f"Set DATASET_MIRROR to a folder or http(s) URL that holds {content}; run this again."


# ---- checking -------------------------------------------------------------------------


def check(digests: dict[str, str], expected: dict[str, str] | Members) -> None:
    """Compare the SHA-256 of files by path with what params.yaml says.

    Raises:
        Unusable: if one differs or is missing.
    """
    if isinstance(expected, Members):
        got = list_digest(digests)
        if got != expected.sha256:
            raise Unusable(
                f"{len(digests)} members '{expected.pattern}': expected SHA-256 of their list "
                f"{expected.sha256}, got {got}"
            )
        return
    for name, digest in expected.items():
        if name not in digests:
            raise Unusable(f"it has no '{name}'")
        if digests[name] != digest:
            raise Unusable(f"'{name}': expected SHA-256 {digest}, got {digests[name]}")


def list_digest(digests: dict[str, str]) -> str:
    """Return the SHA-256 of the text that `sha256sum` prints for files, sorted by bytes."""
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests, key=fsencode))
    return sha256(b"".join(map(fsencode, lines))).hexdigest()


def is_member(name: str, expected: dict[str, str] | Members) -> bool:
    """Say whether a path in an archive belongs to the dataset."""
    if isinstance(expected, Members):
        return fnmatchcase(name, expected.pattern)
    return name in expected


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


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main(run, names=lambda: load_params().datasets, what="dataset")
