"""Runs that Prefect takes for alive although their process is gone.

They would be Running for ever, and where a deployment allows one run at a time, hold up all
others. Each run of this flow notes its process, so that it can be looked up on its machine.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.doctor.finding import Finding
from flows.whereabouts import Whereabouts, machine

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

FLOW = "retrain"
ALIVE = ["PENDING", "RUNNING", "CANCELLING"]  # what counts against a deployment's limit
PATIENCE_S = 10.0


def examine() -> Iterator[Finding]:
    """Look for the processes of all runs that Prefect takes for alive.

    Raises:
        StageError: if the server does not answer.
    """
    from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_API_URL, temporary_settings

    from flows.server import check_answer

    url = PREFECT_API_URL.value()
    if url is None:
        yield Finding("ok", "no PREFECT_API_URL is set, so each run starts a server of its own")
        return
    with temporary_settings({PREFECT_API_REQUEST_TIMEOUT: PATIENCE_S}):
        check_answer(url)
        with client() as prefect:
            found = [judge(run, machine()) for run in living(prefect)]
    yield Finding("ok", f"Prefect's server answers at {url}; {len(found)} runs are under way")
    yield from found


def client() -> "SyncPrefectClient":
    """Return a client of the server that the settings name."""
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


def living(prefect: "SyncPrefectClient") -> list["FlowRun"]:
    """Return the runs of our flow that Prefect takes for alive, oldest first."""
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter

    return prefect.read_flow_runs(
        flow_filter=FlowFilter.model_validate({"name": {"any_": [FLOW]}}),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}}),
    )


def judge(run: "FlowRun", here: str) -> Finding:
    """Say whether a run is as alive as Prefect thinks.

    Args:
        run: as Prefect knows it.
        here: the name of this machine.
    """
    where = Whereabouts.read(run.labels)
    text = f"run '{run.name}' is {run.state_name}"
    if where is None:
        return Finding("note", f"{text}; it did not say in which process")
    if where.machine != here:
        return Finding("note", f"{text} on another machine, {where.machine}: look there")
    if where.gone():
        text = f"{text} for Prefect, but its process {where.pid} is gone"
        return Finding("wrong", f"{text}. --fix marks it as ended.", partial(mark, run.id))
    return Finding("ok", f"{text} in process {where.pid}")


def mark(run_id: UUID) -> str:
    """Mark a run as ended, and its tasks; the server then lets the next run begin."""
    from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
    from prefect.states import Cancelled, Crashed

    with client() as prefect:
        run = prefect.read_flow_run(run_id)
        where = Whereabouts.read(run.labels)
        if run.state_type not in ALIVE or where is None or not where.gone():
            return f"run '{run.name}' is {run.state_name} by now, and was left alone"
        message = f"process {where.pid} on {where.machine} is gone"
        ended = Cancelled if run.state_type == "CANCELLING" else Crashed
        state: State[Any] = ended(message=message)
        prefect.set_flow_run_state(run_id, state)
        tasks = prefect.read_task_runs(
            flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [run_id]}}),
            task_run_filter=TaskRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}}),
        )
        for task in tasks:
            prefect.set_task_run_state(task.id, state)
    return f"marked run '{run.name}' as {state.name}"
