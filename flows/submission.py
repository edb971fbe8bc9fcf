"""Stages as Prefect tasks, handed over one by one, each when all that it needs has ended."""

from collections.abc import Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any

from prefect import allow_failure, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled

from flows.artifacts import publish_stage
from flows.graph import Graph, Stage, ready
from flows.processes import Outcome, StageProcesses
from flows.progress import progress_shown
from flows.tags import read_subjects, tags
from tasks.stage import cores

WORKERS = min(2, cores())  # stages side by side; one training alone uses several cores
Future = PrefectFuture[Any]


def submit_all(graph: Graph, processes: StageProcesses, workers: int) -> None:
    """Submit each stage when all that it needs has ended, well or not."""
    subjects = read_subjects()
    futures: dict[str, Future] = {}
    ended: set[str] = set()
    news: SimpleQueue[str] = SimpleQueue()
    while len(ended) < len(graph):
        for stage in ready(graph, futures.keys(), ended, workers):
            needed = [futures[address] for address in stage.upstream]
            future = submit(stage, tags(stage, subjects), processes, needed)
            future.add_done_callback(partial(report, news, stage.address))
            futures[stage.address] = future
        ended.add(news.get())


def report(news: SimpleQueue[str], address: str, _: Future) -> None:
    """Tell that a stage has ended, well or not."""
    news.put(address)


def submit(stage: Stage, tags: set[str], processes: StageProcesses, needed: list[Future]) -> Future:
    """Hand one stage to Prefect, with the care that its `meta:` asks for.

    It is handed over also when something that it needs failed, for Prefect itself would leave
    it Pending for ever; as it would behind a task that is Cancelled, whatever is allowed.
    """
    task_of_stage = reproduce.with_options(
        task_run_name=stage.address,
        tags=tags,
        retries=stage.care.retries,
        retry_delay_seconds=stage.care.retry_delay_s,
        retry_condition_fn=lambda *_: not processes.ending,
    )
    return task_of_stage.submit(
        stage=stage,
        processes=processes,
        wait_for=[allow_failure(future) for future in not_cancelled(needed)],
        return_state=False,
    )


def not_cancelled(ended: list[Future]) -> list[Future]:
    """Return those that were not cancelled, as they know themselves: the server may learn later."""
    for future in ended:
        future.wait()
    return [future for future in ended if not future.state.is_cancelled()]


@task(name="stage", cache_policy=NO_CACHE)  # DVC is the only cache
def reproduce(stage: Stage, processes: StageProcesses) -> State[Any] | None:
    """Bring one stage up to date; this task has its log, its progress and what it shows."""
    if lacking := without(stage, processes.outcomes):
        reason = f"needs {', '.join(lacking)}"
        processes.outcomes[stage.address] = Outcome("not run", reason=reason)
        return Cancelled(name="Not run", message=reason)
    with progress_shown(stage.address, get_run_logger().info) as log:
        processes.run(stage, log)
    publish_stage(stage.address, processes.outcomes[stage.address])
    return None


def without(stage: Stage, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return what a stage would have to do without, for it failed or was itself not run."""
    fit = {a for a, outcome in outcomes.items() if outcome.ending not in {"failed", "not run"}}
    return sorted(stage.upstream - fit)
