"""Run the chain of an experiment in a clean clone, stage by stage, and compare as it goes.

It ends at the first stage that differs: what comes later follows from it, and a model that is
not the one of the commit must not look at the test set.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from flows.graph import Graph, Stage, check_name, restrict
from flows.processes import StageFailed, StageProcesses
from flows.stages import read_graph
from flows.verify.clone import clean_clone, pull
from flows.verify.difference import Made, compare
from flows.verify.outputs import Output, promised
from flows.verify.verdict import Verdict, read_threads
from tasks.review.stored import files_of
from tasks.stage import StageError

Say = Callable[[str, str], None]  # takes the address of a stage, and a line about it


def retrain_and_compare(experiment: str, commit: str, say: Say) -> Verdict:
    """Retrain an experiment as a commit has it, in a clean clone, up to the first difference.

    Args:
        experiment: its name.
        commit: that is cloned.
        say: is told what each stage prints, and what became of it.

    Raises:
        StageError: if the commit has no results of a stage, or a stage cannot be run.
    """
    original = files_of(commit)
    cache = Path(original.repo.cache.local.path).parents[1]  # above files/md5
    with clean_clone(commit, cache), StageProcesses(force=True) as processes:
        verdict = Verdict(experiment, commit, read_threads(Path("params.yaml")))
        outputs = promised(Path("dvc.lock"))
        stages = chain(read_graph(), experiment)
        check_results(stages, outputs, commit)
        for at, (address, stage) in enumerate(stages.items(), start=1):
            taken = not stage.upstream and pull(address)
            if not taken:
                run(stage, processes, partial(say, address))
            made = compare(address, outputs[address], original)
            (verdict.taken if taken else verdict.made)[address] = made.files
            say(address, in_words(made, taken=taken))
            if made.difference:
                return replace(verdict, difference=made.difference, left=len(stages) - at)
    return verdict


def chain(graph: Graph, experiment: str) -> Graph:
    """Return the stages of an experiment and all that they need.

    Raises:
        StageError: if no stage has that name.
    """
    check_name(experiment, graph)
    chosen = {address for address, stage in graph.items() if stage.name == experiment}
    for address in reversed(graph):
        if address in chosen:
            chosen |= graph[address].upstream
    return restrict(graph, chosen)


def check_results(stages: Graph, outputs: dict[str, list[Output]], commit: str) -> None:
    """Check that there is something to compare with.

    Raises:
        StageError: if not.
    """
    if missing := [address for address in stages if address not in outputs]:
        raise StageError(
            f"{commit[:7]} has no results of {missing[0]}: expected it in the commit's dvc.lock. "
            "Run dvc repro, commit dvc.lock, then verify."
        )


def run(stage: Stage, processes: StageProcesses, log: Callable[[str], None]) -> None:
    """Run one stage.

    Raises:
        StageError: if it fails.
    """
    try:
        processes.run(stage, log)
    except StageFailed as failure:
        raise StageError(
            f"{stage.address} failed in a clean clone: {' '.join(str(failure).split())}. "
            "What it needs must be in git, in DVC's cache, or where it is downloaded from."
        ) from None


def in_words(made: Made, *, taken: bool) -> str:
    """Say what became of a stage's outputs."""
    same = "differs" if made.difference else "identical"
    return f"taken from DVC's cache, {same}" if taken else same
