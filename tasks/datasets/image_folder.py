r"""Read a folder of pictures with a folder per class, as people and archives pack them.

Folders that only wrap another are skipped. Below them lie the class folders, or the
authors' `train`, `val` (also `valid`, `validation`) and `test` folders with class folders
inside, in any case of letters. They count as the authors' split only if `train` is among
them, so a class may be called `test`. All files below a class folder, however deep, are its
pictures, whatever their names end in: decoding decides. What operating systems leave behind
is passed over, and so is everything outside the class folders; both are counted.

Any file name is allowed. In tables it is written in UTF-8: a backslash doubled, a control
character as in Python (`\n`, `\x1b`), a byte that is not UTF-8 as `\xff`.
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.datasets.pictures import Listing, Picture
from tasks.stage import StageError

ROLES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
JUNK = {name.casefold(): name for name in (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")}


@dataclass(frozen=True)
class Folder:
    """A folder without its junk."""

    path: Path
    folders: list["Folder"]
    files: list[str]  # their paths

    def every_file(self) -> Iterator[str]:
        """Yield the paths of the files in it and below it."""
        yield from self.files
        for folder in self.folders:
            yield from folder.every_file()


def read(raw: Path) -> Listing:
    """List the pictures of all class folders.

    Raises:
        StageError: if there is no such folder, or two classes or two roles share a name.
    """
    if not raw.is_dir():
        raise StageError(f"no '{raw}': run download (dvc repro).")
    ignored: Counter[str] = Counter()
    whole = scan(raw, ignored)
    top = unwrapped(whole)
    parts = role_folders(top) or {"": top}
    classes = {role: unwrapped(part).folders for role, part in parts.items()}
    labels = class_names(folder.path for folders in classes.values() for folder in folders)
    below = len(f"{raw}{os.sep}")
    files = sorted(
        (written_name(file[below:]), labels[folder.path.name], role, file)
        for role, folders in classes.items()
        for folder in folders
        for file in folder.every_file()
    )
    if outside := sum(1 for _ in whole.every_file()) - len(files):
        ignored["outside class folders"] = outside
    names = sorted(set(labels.values()))
    pictures = (Picture(id, label, role, Path(file)) for id, label, role, file in files)
    return Listing(names, sorted(classes), len(files), pictures, dict(ignored))


def scan(path: Path, ignored: Counter[str]) -> Folder:
    """Read a folder and all below it, sorted by name; count what is passed over, by kind."""
    folder = Folder(path, [], [])
    with os.scandir(path) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        is_folder = entry.is_dir(follow_symlinks=False)
        if kind := junk(entry.name):
            ignored[kind] += files_below(entry.path) if is_folder else 1
        elif is_folder:
            folder.folders.append(scan(Path(entry.path), ignored))
        elif entry.is_file() or not Path(entry.path).exists():  # a broken link fails later
            folder.files.append(entry.path)
        else:
            ignored["link to a folder" if entry.is_dir() else "no file"] += 1
    return folder


def files_below(path: str) -> int:
    """Return how many files there are in a folder and below it."""
    return sum(len(files) for *_, files in os.walk(path))


def junk(name: str) -> str | None:
    """Return which kind of junk a file or folder of that name is."""
    return JUNK.get(name.casefold()) or ("hidden" if name.startswith(".") else None)


def unwrapped(folder: Folder) -> Folder:
    """Step into folders that hold nothing but one folder of folders."""
    while not role_folders(folder) and len(folder.folders) == 1 and folder.folders[0].folders:
        folder = folder.folders[0]
    return folder


def role_folders(folder: Folder) -> dict[str, Folder]:
    """Return the authors' train, val and test folders, by role; none without train.

    Raises:
        StageError: if two folders claim one role.
    """
    parts: dict[str, Folder] = {}
    for part in folder.folders:
        role = ROLES.get(part.path.name.casefold())
        if role is None or not part.folders:
            continue
        if role in parts:
            raise StageError(
                f"'{parts[role].path}' and '{part.path}' both claim to be {role}: expected one. "
                "Merge or rename them."
            )
        parts[role] = part
    return parts if "train" in parts else {}


def class_names(folders: Iterator[Path]) -> dict[str, str]:
    """Return how each class folder's name is written.

    Raises:
        StageError: if two names differ in letter case or Unicode normalisation only, for on
            another machine they would be one folder.
    """
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for folder in folders:
        alike[unicodedata.normalize("NFC", folder.name.casefold())].add(folder.name)
    for names in alike.values():
        if len(names) > 1:
            listed = " and ".join(f"'{written_name(name)}'" for name in sorted(names))
            raise StageError(
                f"class folders {listed} differ in letter case or Unicode form only: expected "
                "one name per class. Merge or rename them."
            )
    return {name: written_name(name) for (name,) in alike.values()}


def written_name(path: str) -> str:
    """Write a path with forward slashes in printable UTF-8, so that different paths differ."""
    encoded = os.fsencode(path.replace(os.sep, "/")).replace(b"\\", b"\\\\")
    text = encoded.decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f]", lambda c: c[0].encode("unicode_escape").decode(), text)
