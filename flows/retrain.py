"""Retrain: bring experiments, and all that they need, up to date.

The tasks are the stages of dvc.yaml, each run as DVC would run it, independent ones side
by side. What did not change is not run again, and dvc.lock is left as `dvc repro` leaves it.
A stage that fails stops only what depends on it.
"""

import argparse
import logging
import signal
import sys
from functools import partial
from queue import SimpleQueue
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.graph import Graph, Stage, ready, select
from flows.processes import Outcome, StageFailed, StageProcesses
from flows.stages import changed, in_order, read_graph
from flows.summary import show_results, show_stages
from tasks.stage import StageError, cores, errors_in_one_line
from tasks.stage.locks import RUN, held

COMMAND = "python -m flows.retrain"
WORKERS = min(2, cores())  # stages side by side; one training alone uses several cores
TALK = ("Beginning flow run", "Finished in state", "Starting temporary", "Stopping temporary")
Future = PrefectFuture[Any]


def worth_reading(record: logging.LogRecord) -> bool:
    """Keep out of the log what Prefect says of itself, and again of a stage that failed."""
    failure = record.exc_info and isinstance(record.exc_info[1], StageFailed)
    return not failure and not str(record.msg).startswith(TALK)


for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(name).addFilter(worth_reading)


@flow(name="retrain", task_runner=ThreadPoolTaskRunner())  # type: ignore[arg-type]  # invariant
def retrain(experiments: list[str] | None = None, workers: int = WORKERS) -> State[Any]:
    """Bring experiments, and all that they need, up to date.

    Args:
        experiments: their names in params.yaml; none means all.
        workers: how many stages may run side by side.
    """
    try:
        with held(RUN, COMMAND) as lock:
            outcomes = bring_up_to_date(select(read_graph(), experiments or []), workers, lock)
    except StageError as error:
        return Failed(message=str(error))
    show_stages(outcomes)
    failed = [address for address, outcome in outcomes.items() if outcome.ending == "failed"]
    if failed:
        return Failed(
            message=f"{len(failed)} of {len(outcomes)} stages failed: {', '.join(failed)}."
        )
    return Completed(message=f"{len(outcomes)} stages are up to date")


def bring_up_to_date(graph: Graph, workers: int, lock: int) -> dict[str, Outcome]:
    """Run the stages that changed, and tell what became of all.

    Raises:
        StageError: if there are no workers, or DVC cannot tell what changed.
    """
    if workers < 1:
        raise StageError(f"no stage can run with {workers} workers: expected at least 1.")
    stale = changed(graph)
    get_run_logger().info("%d of %d stages may have to run", len(stale), len(graph))
    with in_order(), StageProcesses([lock]) as processes:
        submit_all(stale, processes, workers)
    outcomes = dict.fromkeys(graph, Outcome("unchanged")) | processes.outcomes
    for address, stage in stale.items():
        if address not in processes.outcomes:
            lacking = [a for a in stage.upstream if outcomes[a].ending in {"failed", "not run"}]
            outcomes[address] = Outcome("not run", reason=f"needs {', '.join(sorted(lacking))}")
    return outcomes


def submit_all(graph: Graph, processes: StageProcesses, workers: int) -> None:
    """Submit each stage when all that it needs has ended; Prefect skips it if that failed."""
    futures: dict[str, Future] = {}
    ended: set[str] = set()
    news: SimpleQueue[str] = SimpleQueue()
    while len(ended) < len(graph):
        for stage in ready(graph, futures.keys(), ended, workers):
            needed = [futures[address] for address in stage.upstream]
            future = submit(stage, processes, needed)
            future.add_done_callback(partial(report, news, stage.address))
            futures[stage.address] = future
        ended.add(news.get())


def report(news: SimpleQueue[str], address: str, _: Future) -> None:
    """Tell that a stage has ended, well or not."""
    news.put(address)


def submit(stage: Stage, processes: StageProcesses, needed: list[Future]) -> Future:
    """Hand one stage to Prefect, with the care that its `meta:` asks for."""
    task_of_stage = reproduce.with_options(
        task_run_name=stage.address,
        retries=stage.care.retries,
        retry_delay_seconds=stage.care.retry_delay_s,
        retry_condition_fn=lambda *_: not processes.ending,
    )
    return task_of_stage.submit(
        stage=stage,
        processes=processes,
        wait_for=needed,
        return_state=False,
    )


@task(name="stage", cache_policy=NO_CACHE)  # DVC is the only cache
def reproduce(stage: Stage, processes: StageProcesses) -> None:
    """Bring one stage up to date, with what it prints in this task's log."""
    processes.run(stage, get_run_logger().info)


# ---- the command ----------------------------------------------------------------------


def main() -> int:
    """Retrain from the command line; return the exit status."""
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with errors_in_one_line():
        if nothing_changed(arguments.experiments):
            print("Everything is unchanged.")
        else:
            from flows.server import ensure_server  # seconds, so not for --help

            ensure_server()
            state = retrain(arguments.experiments, arguments.workers, return_state=True)
            if not state.is_completed():
                raise StageError(str(state.message))
        show_results()
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help="a name from params.yaml (default: all)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=WORKERS,
        metavar="N",
        help="how many stages may run side by side (default: %(default)s)",
    )
    return parser.parse_args()


def nothing_changed(names: list[str]) -> bool:
    """Say whether all is up to date; then Prefect's server need not start."""
    with held(RUN, COMMAND):
        graph = select(read_graph(), names)
        if changed(graph):
            return False
    show_stages(dict.fromkeys(graph, Outcome("unchanged")))
    return True


if __name__ == "__main__":
    sys.exit(main())
