"""Python, the packages against those that are pinned, and what `make setup` tells git."""

import platform
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows import merge_driver
from flows.doctor.finding import Finding

ROOT = Path(merge_driver.__file__).parent.parent
PINNED = re.compile(r"(?m)^(?P<name>[\w.-]+)(?:\[[^]]*\])?==(?P<version>[^\s;]+)(?P<marker> *;)?")
SHOWN = ("dvc", "prefect", "keras", "numpy")
NAMED = 3  # packages, in one line

Pins = dict[str, set[str | None]]


def examine() -> Iterator[Finding]:
    """Look at the interpreter, its packages and git."""
    yield python()
    yield packages(ROOT)
    if Path(".git").exists():
        yield driver()


def python() -> Finding:
    """Compare the interpreter with what pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = project["requires-python"]
    text = f"Python {platform.python_version()} at {sys.executable}"
    if within(sys.version_info[:2], asked):
        return Finding("ok", text)
    return Finding(
        "wrong", f"{text}: expected {asked}. Set up with another: make PYTHON=python3.13"
    )


def within(found: tuple[int, ...], asked: str) -> bool:
    """Say whether a version is in a range such as `>=3.11,<3.14`."""
    least, beyond = (tuple(map(int, part.split("."))) for part in re.findall(r"[\d.]+", asked))
    return least <= found < beyond


def packages(folder: Path) -> Finding:
    """Compare what is installed with the nearest of the requirements files in a folder."""
    files = [(path, read_pins(path)) for path in sorted(folder.glob("requirements*.txt"))]
    path, pins = min(files, key=lambda file: distance(file[1]))
    wrong = differing(pins)
    if not wrong:
        shown = ", ".join(f"{name} {version(name)}" for name in SHOWN)
        return Finding("ok", f"all packages are those of {path.name}: {shown}")
    named = "; ".join(wrong[:NAMED]) + (f"; and {len(wrong) - NAMED} more" if wrong[NAMED:] else "")
    return Finding("wrong", f"packages are not those of {path.name}: {named}. Run make setup.")


def read_pins(requirements: Path) -> Pins:
    """Read the versions that are right for each package, each for some system or Python.

    A package that is for some systems only may be absent as well.
    """
    pins: Pins = defaultdict(set)
    for pin in PINNED.finditer(requirements.read_text("utf-8")):
        pins[pin["name"]] |= {pin["version"], *([None] if pin["marker"] else [])}
    return pins


def differing(pins: Pins) -> list[str]:
    """Say which packages are there in another version, or not at all."""
    found = {name: installed_version(name) for name in pins}
    return [
        f"{name}: expected {' or '.join(sorted(filter(None, right)))}, got {found[name] or 'none'}"
        for name, right in pins.items()
        if found[name] not in right
    ]


def distance(pins: Pins) -> tuple[int, int, int]:
    """Say how far what is installed is from pins: what differs, what is absent, what is there."""
    there = sum(installed_version(name) is not None for name in pins)
    return len(differing(pins)), len(pins) - there, -there


@cache
def installed_version(name: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def driver() -> Finding:
    """Look whether git was told how to merge `dvc.lock`."""
    if merge_driver.installed():
        return Finding("ok", "git merges dvc.lock by stages")
    text = "git merges dvc.lock by lines, for it was not told of our driver. Run make setup."
    return Finding("note", text, install_driver)


def install_driver() -> str:
    """Tell git."""
    merge_driver.install()
    return "told git to merge dvc.lock by stages"
