"""A three-way merge of `dvc.lock`: stage by stage, where git sees only neighbouring lines.

An entry of `dvc.lock` says that these inputs gave these outputs. After a merge the inputs
are merged, too; so an entry is right if its side has all inputs that the merge has:

- Only one side changed it: that side's, as in every merge.
- Both did, and one side fits the merged inputs: that one.
- Both did, and neither fits, as when each branch retrained another experiment and published:
  ours, which DVC finds to be out of date and runs again.
- Both did, and either would fit, as after two trainings of one experiment: a conflict.

Text is moved, never written anew, so every byte of an entry stays DVC's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

import yaml

from flows.order import sections, stage_name

T = TypeVar("T")
Side = Literal["ours", "theirs"]
Sides = frozenset[Side]
Frame = tuple[str, str]  # what precedes the stages, and what follows
Inputs = dict[tuple[str, ...], Any]

OURS: Sides = frozenset({"ours"})
THEIRS: Sides = frozenset({"theirs"})
EITHER = OURS | THEIRS


class Unmergeable(Exception):
    """A text that this merge does not understand, or that differs outside of its stages."""


class Versions(NamedTuple):
    """The text of one entry on each side and where they parted; empty where it is absent."""

    base: str
    ours: str
    theirs: str


@dataclass
class Merged:
    """The result of a merge.

    Attributes:
        text: with conflict markers, if there are conflicts.
        conflicts: stages of which a person has to choose a side.
        outdated: stages of which neither side is right, so that they have to run again.
    """

    text: str = ""
    conflicts: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


def merge(base: str, ours: str, theirs: str) -> Merged:
    """Merge two versions of a `dvc.lock` that was once the same.

    Raises:
        Unmergeable: if one is no `dvc.lock`, or more than stages differ.
    """
    versions = [read_lock(text) for text in (base, ours, theirs)]
    head, tail = merged_frame(*(frame for frame, _ in versions))
    judge = Judge(*(entries for _, entries in versions))
    merged = Merged()
    merged.text = head + "".join(settled(name, judge, merged) for name in judge.stages) + tail
    return merged


def read_lock(text: str) -> tuple[Frame, dict[str, str]]:
    """Cut a `dvc.lock` into what surrounds its stages, and the text of each stage by name.

    Raises:
        Unmergeable: if these are not the whole of it.
    """
    head, entries, tail = sections(text)
    named = {stage_name(entry): entry for entry in entries}
    if head + "".join(named.values()) + tail != text or (text and not entries):
        raise Unmergeable("it is not as DVC writes it")
    return (head, tail), named


def merged_frame(base: Frame, ours: Frame, theirs: Frame) -> Frame:
    """Merge what surrounds the stages.

    Raises:
        Unmergeable: if both sides changed it.
    """
    sides = fitting(base, ours, theirs)
    if sides == EITHER and ours != theirs:
        raise Unmergeable("both sides differ outside of the stages")
    return ours if "ours" in sides else theirs


def fitting(base: T, ours: T, theirs: T) -> Sides:
    """Return which sides have the value that a merge has; a conflict may go either way."""
    if ours != theirs and theirs == base:
        return OURS
    if ours != theirs and ours == base:
        return THEIRS
    return EITHER


def settled(name: str, judge: "Judge", merged: Merged) -> str:
    """Return the merged text of one stage, and note what a person must know of it."""
    _, ours, theirs = versions = judge.stages[name]
    sides = judge.right(name)
    if ours == theirs or sides == OURS:
        return ours
    if sides == THEIRS:
        return theirs
    if not sides:
        merged.outdated.append(name)
        return ours
    merged.conflicts.append(name)
    return marked(versions)


def marked(versions: Versions) -> str:
    """Show both sides as git does, so that editors offer the choice."""
    base, ours, theirs = versions
    return f"<<<<<<< ours\n{ours}||||||| base\n{base}=======\n{theirs}>>>>>>> theirs\n"


class Judge:
    """Which sides of each stage are right after the merge."""

    def __init__(self, *entries: Mapping[str, str]) -> None:
        _, ours, theirs = entries
        self.stages = {  # in our order, then what only they have
            name: Versions(*(side.get(name, "") for side in entries)) for name in {**ours, **theirs}
        }
        changed = {name: v for name, v in self.stages.items() if v.ours != v.theirs}
        self.outputs = {name: set(output_paths(v)) for name, v in changed.items()}
        self.right = cache(self._right)

    def _right(self, name: str) -> Sides:
        versions = self.stages[name]
        sides = fitting(*versions)
        if sides != EITHER or not all(versions[1:]) or versions.ours == versions.theirs:
            return sides
        base, ours, theirs = map(inputs, versions)
        for key in base.keys() | ours.keys() | theirs.keys():
            values = base.get(key), ours.get(key), theirs.get(key)
            sides &= fitting(*values)
            if key[0] == "deps" and values[1] != values[2]:
                for producer in self.producers(name, key[1]):
                    sides &= self.right(producer)
        return sides

    def producers(self, name: str, path: str) -> Iterator[str]:
        """Yield the changed stages that write a file or folder, or in it, or around it."""
        for other, outputs in self.outputs.items():
            if other != name and any(overlap(path, output) for output in outputs):
                yield other


def inputs(entry: str) -> Inputs:
    """Return all that the outputs of an entry depend on, each number of `params.yaml` alone."""
    content = parse(entry)
    found: Inputs = {("deps", dep["path"]): dep for dep in content.get("deps", [])}
    return found | dict(leaves(content.get("params"), "params")) | {("cmd",): content.get("cmd")}


def leaves(value: object, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what stands at the ends of nested dictionaries, after the keys that lead there."""
    if not (value and isinstance(value, dict)):
        yield path, value
        return
    for key, below in value.items():
        yield from leaves(below, *path, str(key))


def output_paths(versions: Versions) -> Iterator[str]:
    """Yield the paths that any version of a stage writes."""
    for entry in versions:
        yield from (output["path"] for output in parse(entry).get("outs", []))


def parse(entry: str) -> dict[str, Any]:
    """Return the content of an entry."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(entry) or {}
    return next(iter(content.values()), {})


def overlap(path: str, other: str) -> bool:
    """Say whether two paths are the same, or one lies in the other."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
