"""Other values in `params.yaml` for a run: `experiments.mnist_mlp.train.epochs=3`.

They are written into the file as a careful person would: the bytes of all other values and
of every comment stay. So DVC records what was trained with, `git diff` shows it, and both
doors see the same numbers.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import ValidationError

from tasks.params import PARAMS, Params
from tasks.params.file import describe
from tasks.params.strict import unknown
from tasks.stage import StageError, written


@contextmanager
def overridden(overrides: Sequence[str], path: Path = PARAMS) -> Iterator[None]:
    """Write the overrides into the file; put it back if the block fails.

    Args:
        overrides: each as `path.to.value=value`, the value in YAML.
        path: of the file.

    Raises:
        StageError: if one cannot be read, or they leave no valid file.
    """
    if not overrides:
        yield
        return
    before = path.read_text("utf-8")
    written(path, with_overrides(before, overrides))
    try:
        yield
    except BaseException:
        written(path, before)
        raise


def with_overrides(text: str, overrides: Sequence[str]) -> str:
    """Return the text of a `params.yaml` with other values in it.

    Raises:
        StageError: if an override cannot be read, or they leave no valid file.
    """
    try:
        for override in overrides:
            text = with_override(text, override)
        Params.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        wrong = (describe(PARAMS, tree(text), each) for each in error.errors())
        raise StageError(f"cannot set {' '.join(overrides)}: {'; '.join(wrong)}") from error
    except yaml.MarkedYAMLError as error:  # such as an alias of what is there no longer
        raise StageError(f"cannot set {' '.join(overrides)}: {PARAMS}: {error.problem}.") from error
    return text


def with_override(text: str, override: str) -> str:
    """Return the text with one value replaced, or with one more entry in a mapping."""
    (*above, last), value = parse(override)
    node = tree(text)
    for key in above:
        node = below(node, key, override).value
    if isinstance(node, yaml.MappingNode) and last not in entries(node):
        return with_entry(text, node, f"{last}: {value}")
    begin, lead, old = below(node, last, override)
    return text[:begin] + lead + value + text[end(old) :]


def below(node: yaml.Node, key: str, override: str) -> "Entry":
    """Return what a key leads to, or say which keys there are."""
    known = entries(node)
    if key not in known:
        hint = unknown(key, known) if known else f"'{key}' would be below a value that has no keys."
        raise StageError(f"cannot set '{override}': {hint}")
    return known[key]


def parse(override: str) -> tuple[list[str], str]:
    """Return the keys that lead to a value, and the value as YAML on one line."""
    keys, sign, text = override.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise StageError(f"cannot set '{override}': no YAML behind the sign '='.") from error
    if not (sign and keys):
        raise StageError(
            f"cannot set '{override}': expected KEY.KEY=VALUE, "
            "such as experiments.mnist_mlp.train.epochs=3."
        )
    listed = yaml.safe_dump([value], default_flow_style=True, width=math.inf, allow_unicode=True)
    return keys.split("."), listed.strip()[1:-1]


# ---- where things stand in the text ---------------------------------------------------


def tree(text: str) -> yaml.Node:
    """Return what YAML sees in a text; where there is nothing, a scalar."""
    return yaml.compose(text) or yaml.ScalarNode("", "", yaml.Mark("", 0, 0, 0, None, 0))


class Entry(NamedTuple):
    """One value of a mapping or a list."""

    begin: int  # where the text that may be replaced begins: behind the key, if there is one
    lead: str  # what has to stand between there and the value
    value: yaml.Node


def entries(node: yaml.Node) -> dict[str, Entry]:
    """Return the values of a mapping by key, of a list by position, of other nodes none."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: Entry(key.end_mark.index, ": ", value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return {str(i): Entry(v.start_mark.index, "", v) for i, v in enumerate(node.value)}
    return {}


def end(node: yaml.Node) -> int:
    """Return where the text of a node ends; a block's own mark lies behind later comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        *_, last = entries(node).values()
        return end(last.value)
    return int(node.end_mark.index)


def with_entry(text: str, node: yaml.MappingNode, entry: str) -> str:
    """Return the text with one more entry, the first of its mapping."""
    if node.flow_style:
        begin, behind = node.start_mark.index + 1, ", " if node.value else ""
    else:
        first = node.value[0][0].start_mark
        begin, behind = first.index, "\n" + " " * first.column
    return text[:begin] + entry + behind + text[begin:]
