"""The graph of stages as a flow sees it: plain data, read from DVC once."""

import difflib
from collections.abc import Collection, Set
from dataclasses import dataclass, replace

from flows.care import Care
from tasks.stage import StageError


@dataclass(frozen=True)
class Stage:
    """One stage as DVC addresses it: `train@mnist_cnn`, `publish`, `data/photos.dvc`."""

    address: str
    upstream: frozenset[str]
    care: Care

    @property
    def name(self) -> str:
        """What stands behind the `@`: a dataset or an experiment, or nothing."""
        return self.address.partition("@")[2]


Graph = dict[str, Stage]  # by address, upstream first, in the order of `dvc repro`


def select(graph: Graph, names: Collection[str]) -> Graph:
    """Return what the named experiments need, and what gathers the results of all.

    These are the stages of each name, all upstream of them, and the stages downstream
    that stand for no single name, with what they need of the same kind: they run on
    whatever exists of the other names.

    Args:
        graph: every stage.
        names: experiments, or datasets; none means everything.

    Raises:
        StageError: if no stage has that name.
    """
    for name in names:
        check_name(name, graph)
    chosen = {a for a, stage in graph.items() if not names or stage.name in names}
    for address in reversed(graph):
        if address in chosen:
            chosen |= graph[address].upstream
    for address, stage in graph.items():
        if not stage.name and stage.upstream & chosen:
            chosen.add(address)
    for address in reversed(graph):
        if address in chosen:
            chosen |= {needed for needed in graph[address].upstream if not graph[needed].name}
    return restrict(graph, chosen)


def check_name(name: str, graph: Graph) -> None:
    """Raise a `StageError` with the known names if none of the stages is called so."""
    known = list(dict.fromkeys(stage.name for stage in graph.values() if stage.name))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise StageError(f"unknown name '{name}': dvc.yaml has {', '.join(known)}.{hint}")


def restrict(graph: Graph, addresses: Collection[str]) -> Graph:
    """Return some of the stages, and of what is upstream of them only these."""
    return {
        address: replace(stage, upstream=stage.upstream & set(addresses))
        for address, stage in graph.items()
        if address in addresses
    }


def ready(graph: Graph, begun: Set[str], ended: Set[str], workers: int) -> list[Stage]:
    """Return the stages that may begin now, beside those that run.

    All that they need has ended, and no other that runs uses their resource: they would
    only keep a worker waiting for it.
    """
    running = begun - ended
    used = {graph[address].care.resource for address in running}
    found: list[Stage] = []
    for stage in graph.values():
        resource = stage.care.resource
        free = resource is None or resource not in used
        if free and stage.address not in begun and stage.upstream <= ended:
            found.append(stage)
            used.add(resource)
    return found[: workers - len(running)]
