"""Every way in which a run may end before it is done, and what it leaves, on real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
import requests
import yaml

from tasks.stage.locks import RUN, holder

from .conftest import ROOT, Project
from .living import commands_in, wait_for

LIMIT_S = 5.0  # after it nothing may be left

# When a run is ended, two stages have written half of what they make: a shell with a child,
# and a Python process that starts as the stages of this project do.
STAGES = """
stages:
  quick:
    cmd: echo whole > quick
    outs: [quick]
  shell:
    cmd: echo half > shell; sleep 300 & sleep 301; echo whole > shell
    outs: [shell]
  python:
    cmd: python stage.py
    deps: [stage.py]
    outs: [python]
  later:
    cmd: cat shell python > later
    deps: [shell, python]
    outs: [later]
"""
STAGE = """
import time
from pathlib import Path
from tasks.stage.command import started

with started():
    Path("python").write_text("half")
    time.sleep(300)
    Path("python").write_text("whole")
"""
UNFINISHED = {"shell", "python", "later"}


def make_project(root):
    """Make a project whose flow and whose deployments are those of this one."""
    project = Project(root)
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    project.dvc("init", "--quiet")
    for name in ("flows", "tasks", "prefect.yaml", "prefect.toml"):
        (root / name).symlink_to(ROOT / name)
    (root / "dvc.yaml").write_text(STAGES)
    (root / "stage.py").write_text(STAGE)
    (root / "params.yaml").write_text("{}\n")
    return project


# ---- who starts a run ------------------------------------------------------------------


@dataclass
class Run:
    """A run that is in the middle of its work.

    Attributes:
        started: what a person or a service manager started: the flow, DVC or a worker.
        url: of the flow run in Prefect's API, if a worker runs it.
    """

    project: Project
    started: subprocess.Popen[bytes]
    url: str = ""


def start_flow(project, server):
    """Start the flow as a person does."""
    command = ["-m", "flows.retrain", "--workers", "2"]
    return in_the_middle(Run(project, launch(project.root, command, server)), "shell", "python")


def start_dvc(project, server):
    """Start DVC as a person does, on the stage that is like our own."""
    command = ["-m", "dvc", "repro", "quick", "python"]
    return in_the_middle(Run(project, launch(project.root, command, server)), "python")


def start_worker(project, server):
    """Start a worker in another folder, and a run of the deployment that it takes."""
    environment = {**os.environ, "PREFECT_API_URL": server}
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    pool = ["work-pool", "create", "retrain", "--type", "process", "--overwrite"]
    for command in (pool, ["deploy", "--all"]):
        subprocess.run(
            [*prefect, *command], cwd=project.root, env=environment, check=True, stdout=-3
        )
    start = ["-m", "prefect", "worker", "start", "--pool", "retrain"]
    worker = launch(project.root.parent, start, server)
    deployment = requests.get(f"{server}/deployments/name/retrain/manual", timeout=30).json()["id"]
    ask = f"{server}/deployments/{deployment}/create_flow_run"
    run = requests.post(ask, json={"state": {"type": "SCHEDULED"}}, timeout=30).json()["id"]
    return in_the_middle(Run(project, worker, f"{server}/flow_runs/{run}"), "shell", "python")


def launch(folder, command, server):
    """Start a Python command in a session of its own, with its output in a file beside."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PREFECT_API_URL": server, "PREFECT_WORKER_QUERY_SECONDS": "2"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def in_the_middle(run, *halves):
    """Wait until the slow stages have written half of their outputs."""
    root = run.project.root
    wait_for(lambda: all((root / half).exists() for half in halves), seconds=180)
    return run


# ---- how it ends -----------------------------------------------------------------------


def terminate(run):
    run.started.terminate()


def interrupt(run):
    os.killpg(run.started.pid, signal.SIGINT)  # as a terminal does


def kill(run):
    run.started.kill()


def kill_dvc(run):
    for process in psutil.Process(run.started.pid).children():
        if "stage_process.py" in " ".join(process.cmdline()):
            process.kill()


def cancel(run):
    cancelling = {"state": {"type": "CANCELLING"}}
    requests.post(f"{run.url}/set_state", json=cancelling, timeout=30).raise_for_status()


WAYS = {
    "SIGTERM to the flow": (start_flow, terminate),
    "Ctrl-C": (start_flow, interrupt),
    "kill -9 of the flow": (start_flow, kill),
    "kill -9 of dvc in the flow": (start_flow, kill_dvc),
    "kill -9 of dvc repro": (start_dvc, kill),
    "cancelled in Prefect": (start_worker, cancel),
    "SIGTERM to the worker": (start_worker, terminate),
}


# ---- what it leaves --------------------------------------------------------------------


@dataclass
class Left:
    """What is left of a run `LIMIT_S` after it was ended.

    Attributes:
        processes: the command lines of stages that live.
        locks: that nobody who lives holds, and that stop others.
        outputs: that count as done but are half-written, or are done but lost.
        seconds: until the last stage was gone.
    """

    processes: list[list[str]]
    locks: list[str]
    outputs: list[str]
    seconds: float


def end(project, server, way):
    """Start a run in a way, end it, and return what it leaves."""
    start, stop = WAYS[way]
    for name in UNFINISHED:
        (project.root / name).unlink(missing_ok=True)
    run = start(project, server)
    try:
        began = time.monotonic()
        stop(run)
        while stages_in(project) and time.monotonic() < began + LIMIT_S:
            time.sleep(0.02)
        seconds = time.monotonic() - began
        processes = stages_in(project)
        run.started.poll()  # as whoever starts one does: DVC takes a zombie for alive
        return Left(processes, stale_locks(project), false_outputs(project), seconds)
    finally:
        clear(run)


def stages_in(project):
    """Return the command lines of the stages that live, with those of their children."""
    return [c for c in commands_in(project.root) if not {"flows.retrain", "prefect.engine"} & {*c}]


def stale_locks(project):
    """Return the locks that outlive their holders, once the flow had the time to end."""
    stale = []
    lock = project.root / RUN
    try:
        wait_for(lambda: holder(lock) is None, seconds=30)
    except AssertionError:
        stale.append(str(holder(lock)))
    status = project.dvc("status")
    return stale + ([status.stderr] if status.returncode else [])


def false_outputs(project):
    """Return the outputs of which DVC has another idea than is true."""
    changed = set(json.loads(project.dvc("status", "--json").stdout))
    lock = yaml.safe_load((project.root / "dvc.lock").read_text())
    recorded = set(lock["stages"])
    return sorted((UNFINISHED ^ changed) | ({"quick"} ^ recorded))


def clear(run):
    """End what a test may have left, and have Prefect forget the run."""
    if run.started.poll() is None:
        others = psutil.Process(run.started.pid).children(recursive=True)
        for process in (run.started, *others):
            process.kill()
    run.started.wait(30)
    if run.url:
        crashed = {"state": {"type": "CRASHED"}, "force": True}
        requests.post(f"{run.url}/set_state", json=crashed, timeout=30).raise_for_status()
