"""Retrain: bring experiments, and all that they need, up to date.

The tasks are the stages of dvc.yaml, each run as DVC would run it, independent ones side
by side. What did not change is not run again, and dvc.lock is left as `dvc repro` leaves it.
A stage that fails stops only what depends on it.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.artifacts import publish_run
from flows.commits import last_results
from flows.courtesy import courtesy
from flows.delivery import Delivery
from flows.graph import Graph, select
from flows.overrides import overridden
from flows.processes import Outcome, StageFailed, StageProcesses
from flows.stages import changed, in_order, read_graph
from flows.submission import WORKERS, submit_all
from flows.summary import show_stages
from flows.whereabouts import note_whereabouts
from tasks.params import load_params
from tasks.stage import StageError
from tasks.stage.locks import RUN, held

TALK = ("Beginning flow run", "Finished in state", "Starting temporary", "Stopping temporary")


def worth_reading(record: logging.LogRecord) -> bool:
    """Keep out of the log what Prefect says of itself, and again of a stage that failed."""
    failure = record.exc_info and isinstance(record.exc_info[1], StageFailed)
    return not failure and not str(record.msg).startswith(TALK)


for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(name).addFilter(worth_reading)


def title() -> str:
    """Name a run, for Prefect's list of runs, by the experiments that it was asked for."""
    return ", ".join(flow_run.parameters["experiments"] or ["all experiments"])


@flow(
    name="retrain",
    flow_run_name=title,
    task_runner=ThreadPoolTaskRunner(),  # type: ignore[arg-type]  # invariant
)
def retrain(
    experiments: list[str] | None = None,
    overrides: list[str] | None = None,
    force: bool = False,
    push: bool = False,
    commit: bool = False,
    workers: int = WORKERS,
    wait: bool = False,
    promote: bool = False,
) -> State[Any]:
    """Bring experiments, and all that they need, up to date.

    Args:
        experiments: their names in params.yaml; none means all.
        overrides: values to set in params.yaml first: experiments.mnist_mlp.train.epochs=3
        force: run also what did not change.
        push: push outputs and the run cache to DVC's default remote afterwards.
        commit: commit the results on a new branch retrain/DATE afterwards.
        workers: how many stages may run side by side.
        wait: for another run in this folder to end, instead of failing.
        promote: put the models of these experiments into production if they pass; needs commit.
    """
    with courtesy("which process this is"):
        note_whereabouts(flow_run.id)
    overrides = overrides or []
    try:
        delivery = Delivery(push, commit, asked_for(experiments) if promote else ())
        with held(RUN, "the flow retrain", wait=wait) as lock:
            delivery.check()
            with overridden(overrides):
                graph = select(read_graph(), experiments or [])
                outcomes = bring_up_to_date(graph, lock, workers, force)
                show_stages(outcomes)
                publish_run(outcomes)
                told = [conclusion(outcomes), *delivery.deliver(outcomes, overrides)]
    except StageError as error:
        return Failed(message=str(error))
    return Completed(message="; ".join(told))


def asked_for(experiments: list[str] | None) -> tuple[str, ...]:
    """Return the names of the experiments that a run is for."""
    known = load_params().experiments
    return tuple(name for name in experiments or known if name in known)


def bring_up_to_date(graph: Graph, lock: int, workers: int, force: bool) -> dict[str, Outcome]:
    """Run the stages that changed, or all, and tell what became of each.

    Args:
        graph: the stages.
        lock: the descriptor of the run's lock, for the stages to hold as well.
        workers: how many stages may run side by side.
        force: whether to run what did not change, too.

    Raises:
        StageError: if there are no workers, or DVC cannot tell what changed.
    """
    if workers < 1:
        raise StageError(f"no stage can run with {workers} workers: expected at least 1.")
    stale = graph if force else changed(graph)
    get_run_logger().info("%d of %d stages may have to run", len(stale), len(graph))
    processes = StageProcesses([lock], force=force)
    with in_order(processes.outcomes), processes:
        submit_all(stale, processes, workers)
    untold = Outcome("failed", reason="ended without an outcome: see the log of its task")
    return {
        **dict.fromkeys(graph, Outcome("unchanged")),
        **dict.fromkeys(stale, untold),
        **processes.outcomes,
    }


def conclusion(outcomes: Mapping[str, Outcome]) -> str:
    """Say in one line what became of all stages.

    Raises:
        StageError: if any failed.
    """
    endings = [outcome.ending for outcome in outcomes.values()]
    failed = [address for address, outcome in outcomes.items() if outcome.ending == "failed"]
    if failed:
        raise StageError(f"{len(failed)} of {len(outcomes)} stages failed: {', '.join(failed)}.")
    if set(endings) <= {"unchanged"}:
        return f"nothing changed since {last_results()}"
    ran = len(endings) - endings.count("unchanged")
    return f"{ran} of {len(outcomes)} stages ran, and all are up to date"


if __name__ == "__main__":
    from flows.command import main

    sys.exit(main(retrain))
