"""Stages as Prefect tasks, handed over one by one, each when all that it needs has ended."""

from functools import partial
from queue import SimpleQueue
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from flows.artifacts import publish_stage
from flows.graph import Graph, Stage, ready
from flows.processes import StageProcesses
from flows.progress import progress_shown
from flows.tags import read_subjects, tags
from tasks.stage import cores

WORKERS = min(2, cores())  # stages side by side; one training alone uses several cores
Future = PrefectFuture[Any]


def submit_all(graph: Graph, processes: StageProcesses, workers: int) -> None:
    """Submit each stage when all that it needs has ended; Prefect skips it if that failed."""
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
    """Hand one stage to Prefect, with the care that its `meta:` asks for."""
    task_of_stage = reproduce.with_options(
        task_run_name=stage.address,
        tags=tags,
        retries=stage.care.retries,
        retry_delay_seconds=stage.care.retry_delay_s,
        retry_condition_fn=lambda *_: not processes.ending,
    )
    return task_of_stage.submit(
        stage=stage, processes=processes, wait_for=needed, return_state=False
    )


@task(name="stage", cache_policy=NO_CACHE)  # DVC is the only cache
def reproduce(stage: Stage, processes: StageProcesses) -> None:
    """Bring one stage up to date; this task has its log, its progress and what it shows."""
    with progress_shown(stage.address, get_run_logger().info) as log:
        processes.run(stage, log)
    publish_stage(stage.address, processes.outcomes[stage.address])
