"""The order of entries in the files that DVC appends to: `dvc.lock` and each `.gitignore`.

DVC appends an entry when its stage ends, so stages side by side leave the entries in the
order of the clock. Here they are put as one `dvc repro` would have left them: old entries
keep their place, new ones follow the plan. Text is moved, never parsed and written anew, so
every byte of an entry stays DVC's own.

The plan is that of the whole `dvc repro`, also for a part of it: asked for fewer than half
of all stages, DVC 3.67 itself orders them by Python's random hashes.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks.stage import written

STAGES = re.compile(r"(?m)^stages:\n((?:  .*\n|\n)+)")
START_OF_ENTRY = re.compile(r"(?m)^(?=  \S)")


def read(path: Path) -> str:
    """Return the text of a file, none if there is no file."""
    return path.read_text("utf-8") if path.exists() else ""


def settle(path: Path, before: str, planned: Sequence[str]) -> None:
    """Put the new entries of one file in order, all at once.

    Args:
        path: a `dvc.lock` or a `.gitignore`.
        before: its text before the stages ran.
        planned: names of stages, or outputs as `/name`, in the order of the plan.
    """
    after = read(path)
    order = ordered_ignores if path.name == ".gitignore" else ordered_lock
    if after != before and (text := order(before, after, planned)) != after:
        written(path, text)


def take_back(path: Path, before: str, planned: Sequence[str]) -> None:
    """Take new outputs out of a `.gitignore`, as DVC does after a failure of any stage."""
    after = read(path)
    text = without_new(before, after, planned)
    if text:
        written(path, text)
    elif after:
        path.unlink()


def without_new(before: str, after: str, planned: Sequence[str]) -> str:
    """Return the lines of a `.gitignore` but those of new outputs."""
    old = {output_name(line) for line in before.splitlines()}
    new = set(planned) - old
    return "".join(line for line in after.splitlines(True) if output_name(line) not in new)


def ordered_ignores(before: str, after: str, planned: Sequence[str]) -> str:
    """Return the lines of a `.gitignore` in order."""
    lines = before.splitlines(True), after.splitlines(True)
    return "".join(ordered(*lines, planned, output_name))


def output_name(line: str) -> str:
    """Return the output that a line of a `.gitignore` is of, as `/name`."""
    return line.strip().replace("\\", "")  # DVC escapes what git would read as a glob


def ordered_lock(before: str, after: str, planned: Sequence[str]) -> str:
    """Return the text of a `dvc.lock` with its stages in order."""
    head, stages, tail = sections(after)
    return head + "".join(ordered(sections(before)[1], stages, planned, stage_name)) + tail


def stage_name(entry: str) -> str:
    """Return the name of the stage that an entry of a `dvc.lock` is of."""
    return entry.partition("\n")[0].strip(" :'\"")


def sections(lock: str) -> tuple[str, list[str], str]:
    """Cut a `dvc.lock` into what precedes its stages, each stage, and what follows."""
    found = STAGES.search(lock)
    if not found:
        return lock, [], ""
    entries = START_OF_ENTRY.split(found[1])[1:]
    return lock[: found.start(1)], entries, lock[found.end(1) :]


def ordered(
    before: Sequence[str], after: Sequence[str], planned: Sequence[str], name: Callable[[str], str]
) -> list[str]:
    """Keep the old entries at their place and sort the new ones behind them by the plan."""
    old = {name(entry) for entry in before}
    place = {planned_name: i for i, planned_name in enumerate(planned)}
    kept = [entry for entry in after if name(entry) in old]
    new = [entry for entry in after if name(entry) not in old]
    return kept + sorted(new, key=lambda entry: place.get(name(entry), len(place)))
