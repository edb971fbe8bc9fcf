"""What became of a training's data, code and parameters between two models.

`dvc.lock` of each side names the digests of all that the training read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from tasks.review.scored import Scored

NONE = "-"


class Change(NamedTuple):
    """A parameter before and after, as YAML writes it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Origins:
    """How the inputs of two trainings differ.

    Attributes:
        data: paths of what was read from `data/` and is not the same.
        code: paths of the code that is not the same.
        params: those that differ, without the name of the experiment or dataset in front.
        known: whether both trainings are recorded; if not, the rest says nothing.
    """

    data: list[str]
    code: list[str]
    params: list[Change]
    known: bool = True

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.known and not (self.data or self.code or self.params)


def origins(before: Scored, after: Scored) -> Origins:
    """Compare what two trainings read."""
    old, new = before.training, after.training
    if old is None or new is None:
        return Origins([], [], [], known=False)
    digests = [{dep["path"]: dep.get("md5") for dep in stage["deps"]} for stage in (old, new)]
    differing = sorted(
        path for path in digests[0] | digests[1] if digests[0].get(path) != digests[1].get(path)
    )
    data = [path for path in differing if path.startswith("data/")]
    values = [
        dict(flat(stage.get("params", {}).get("params.yaml", {}), scored))
        for stage, scored in ((old, before), (new, after))
    ]
    params = [
        Change(name, values[0].get(name, NONE), values[1].get(name, NONE))
        for name in values[0] | values[1]
        if values[0].get(name) != values[1].get(name)
    ]
    return Origins(data, [path for path in differing if path not in data], params)


def flat(params: Mapping[str, Any], scored: Scored) -> Iterator[tuple[str, str]]:
    """Yield each value by its dotted name."""
    own = (f"experiments.{scored.experiment}.", f"datasets.{scored.dataset}.")
    for name, value in leaves(params):
        for prefix in own:
            name = name.removeprefix(prefix)
        yield name, yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is no dictionary, by its dotted path."""
    for key, value in node.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict) and value:
            yield from leaves(value, name)
        else:
            yield name, value
