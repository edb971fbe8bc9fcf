"""Where the bytes of a dataset come from: a mirror, then the official places, in order.

A location is an http(s) URL, a file shipped in an installed package (`package://`), or a path.
Trying a location includes checking its bytes, so a place with wrong bytes counts as down.
"""

import os
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from tasks.datasets.archives import Unusable
from tasks.datasets.downloads import discard, download
from tasks.stage import StageError

PACKAGE = "package://"
WEB = ("http://", "https://")


def mirrored(folder: str, names: Iterable[str]) -> list[str]:
    """Return where a mirror may have a file under one of its names; none without a mirror."""
    mirror = os.environ.get("DATASET_MIRROR", "")
    if not mirror:
        return []
    if mirror.startswith(WEB):
        return [located(f"{mirror.rstrip('/')}/{folder}", name) for name in names]
    paths = [Path(mirror).expanduser() / folder / name for name in names]
    return [str(path) for path in paths if path.exists()] or [str(paths[0])]


def located(place: str, name: str) -> str:
    """Return where a file lies in one of the `urls` of a dataset."""
    return f"{place.rstrip('/')}/{quote(name) if place.startswith(WEB) else name}"


def first_good(
    what: str, locations: list[str], scratch: Path, accept: Callable[[Path], None], advice: str
) -> str:
    """Try locations in order until one gives a file that `accept` takes.

    Args:
        what: the file's name, for messages.
        locations: what to try.
        scratch: the folder for unfinished downloads.
        accept: checks and keeps a file; raises `Unusable` if it is not the right one.
        advice: what the user can do if all fail.

    Returns:
        the location that was good.

    Raises:
        StageError: if none is; with all that was tried.
    """
    failures: list[str] = []
    for location in locations:
        try:
            attempt(location, scratch, accept)
        except Unusable as why:
            failures.append(f"  {location}: {why}")
            print(f"tried {location}: {why}", file=sys.stderr)
        else:
            return location
    tried = "\n".join(failures)
    raise StageError(f"no source gave '{what}'. Tried:\n{tried}\n{advice}")


def attempt(location: str, scratch: Path, accept: Callable[[Path], None]) -> None:
    """Try one location; forget what was downloaded if it is not the right file.

    Raises:
        Unusable: if it gives nothing, or not the right file.
    """
    if not location.startswith(WEB):
        accept(local(location))
        return
    path = download(location, scratch)
    try:
        accept(path)
    except Unusable:
        discard(path)
        raise


def local(location: str) -> Path:
    """Return the path of a file of this machine.

    Raises:
        Unusable: if it, or the package that should ship it, is not there.
    """
    path = Path(location)
    if location.startswith(PACKAGE):
        module, _, name = location.removeprefix(PACKAGE).partition("/")
        top, *below = module.split(".")
        spec = find_spec(top)  # of the outermost package, for the spec of an inner one imports it
        if not spec or not spec.submodule_search_locations:
            raise Unusable(f"no package '{top}' is installed")
        path = Path(spec.submodule_search_locations[0], *below, name)
    if not path.is_file():
        raise Unusable("no such file")
    if not os.access(path, os.R_OK):
        raise Unusable("it may not be read")
    return path
