"""Runs that Prefect takes for alive, on a real server: of killed processes, and of others."""

import os
import subprocess
import sys

import psutil
import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Completed, Pending, Running

from flows.doctor.runs import examine
from flows.whereabouts import Whereabouts, machine
from tasks.stage import StageError

from .conftest import ROOT
from .living import commands_in, wait_for
from .prefect_server import free_port

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Prefect's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@flow(name="retrain")
def same_name():
    """Has the name of our flow, so that runs can be made without running."""


@pytest.fixture
def alone(api):
    """Use the server, and let no run of this test stay alive on it."""
    yield api
    for run in alive(api):
        api.delete_flow_run(run["id"])


def alive(api):
    types = {"flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}}
    return api.request("POST", "/flow_runs/filter", json=types).json()


@pytest.fixture
def run_in(alone):
    """Return a function that makes a run which says to live in a process."""

    def make(where=None, deployment=None):
        run = (
            alone.create_flow_run_from_deployment(deployment)
            if deployment
            else alone.create_flow_run(same_name)
        )
        for state in (Pending(), Running()):
            alone.set_flow_run_state(run.id, state)
        if where:
            alone.update_flow_run_labels(run.id, where.labels())
        return run.id

    return make


@pytest.fixture
def process():
    """Start a process that does nothing."""
    process = subprocess.Popen(["sleep", "300"])
    yield process
    process.kill()
    process.wait()


def whereabouts(process):
    return Whereabouts(machine(), process.pid, psutil.Process(process.pid).create_time())


def found():
    """Return what the doctor says of runs, without the line about the server."""
    first, *findings = examine()
    assert "Prefect's server answers at" in first.text
    return findings


@pytest.fixture
def training(project, server):
    """Start the flow on the command line, and wait for its training."""
    project.write_recipes(slow={"sleep": 300})
    graph = project.root / "dvc.yaml"
    graph.write_text(graph.read_text("utf-8").replace("timeout_s: 30", "timeout_s: 300"), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.retrain", "slow"],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: ["sleep", "300"] in commands_in(project.root), seconds=200)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(600)
def test_a_killed_flow_is_marked_as_crashed_with_its_tasks(alone, training):
    (living,) = found()
    assert living.state == "ok"
    assert living.text.endswith(f"is Running in process {training.pid}")

    training.kill()
    training.wait()
    (dead,) = found()
    assert dead.state == "wrong"
    assert f"is Running for Prefect, but its process {training.pid} is gone. --fix" in dead.text
    (run,) = alive(alone)
    assert "as Crashed" in dead.cure()
    assert found() == []
    assert alone.read_flow_run(run["id"]).state.message.startswith(f"process {training.pid} on ")
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    tasks = alone.request("POST", "/task_runs/filter", json=of_run).json()
    assert "Crashed" in {task["state_name"] for task in tasks} <= {"Completed", "Crashed"}


def test_a_deployment_that_a_dead_run_held_up_is_free_again(alone, run_in, process):
    deployment = alone.create_deployment(
        alone.create_flow(same_name), "one at a time", concurrency_limit=1
    )
    run_in(whereabouts(process), deployment)
    waiting = alone.create_flow_run_from_deployment(deployment).id
    alone.set_flow_run_state(waiting, Pending())
    assert alone.read_flow_run(waiting).state.is_scheduled()

    process.kill()
    process.wait()
    (dead,) = found()
    dead.cure()
    alone.set_flow_run_state(waiting, Pending())
    assert alone.read_flow_run(waiting).state.is_pending()


def test_a_dead_run_that_was_being_cancelled_is_marked_as_cancelled(alone, run_in, process):
    run = run_in(whereabouts(process)._replace(began=0.0))
    alone.set_flow_run_state(run, Cancelling())
    (dead,) = found()
    assert "is Cancelling for Prefect" in dead.text
    assert "as Cancelled" in dead.cure()
    assert alone.read_flow_run(run).state.is_cancelled()


def test_a_run_that_ended_meanwhile_is_left_alone(alone, run_in, process):
    run = run_in(whereabouts(process)._replace(began=0.0))
    (dead,) = found()
    alone.set_flow_run_state(run, Completed())
    assert "is Completed by now, and was left alone" in dead.cure()
    assert alone.read_flow_run(run).state.is_completed()


def test_runs_elsewhere_or_without_whereabouts_are_told_and_never_touched(run_in, process):
    run_in(whereabouts(process)._replace(machine="another", began=0.0))
    run_in()
    texts = sorted(finding.text.partition("; ")[0].partition("' ")[2] for finding in found())
    assert texts == ["is Running", "is Running on another machine, another: look there"]
    assert [(finding.state, finding.cure) for finding in found()] == [("note", None)] * 2


def test_a_server_that_does_not_answer_is_an_error_in_one_line():
    nobody = f"http://127.0.0.1:{free_port()}/api"
    with (
        temporary_settings({PREFECT_API_URL: nobody}),
        pytest.raises(StageError, match="no Prefect server answers at"),
    ):
        list(examine())


def test_without_a_server_there_is_nothing_to_look_at():
    with temporary_settings({PREFECT_API_URL: None}):
        assert ["no PREFECT_API_URL is set" in finding.text for finding in examine()] == [True]
