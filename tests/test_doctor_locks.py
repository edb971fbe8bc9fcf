"""Real locks of real processes, living, stopped and killed, and DVC's own list of them."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from flows.doctor import locks, rwlock
from tasks.stage.locks import RUN, Busy

from .conftest import ROOT
from .living import wait_for

HOLDING = """
import sys, time
from pathlib import Path
from tasks.stage.locks import held
with held(Path(sys.argv[1]), "a training"):
    print("held", flush=True)
    time.sleep(300)
"""
LIKE_DVC = """
import sys, time
import zc.lockfile
lock = zc.lockfile.LockFile(sys.argv[1])
print("held", flush=True)
time.sleep(300)
"""


@pytest.fixture
def start():
    """Return a function that starts a program and waits for its first word."""
    started = []

    def run(program, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def no_leases(tmp_path, monkeypatch):
    """Give this test the resources of a machine of its own."""
    monkeypatch.setattr("flows.doctor.locks.RESOURCES", tmp_path)
    return tmp_path


def texts(findings):
    return [finding.text for finding in findings]


def test_a_free_folder_is_said_to_be_free(project, no_leases):
    assert texts(locks.examine()) == ["no run is at work in this folder"]


def test_who_holds_a_lock_is_told(project, no_leases, start):
    run = start(HOLDING, RUN)
    training = start(HOLDING, no_leases / "assay-gpu.lock")
    dvc = start(LIKE_DVC, ".dvc/tmp/lock")
    in_folder, on_gpu, of_dvc = locks.examine()
    assert in_folder.text.startswith(f"this folder is in use: process {run.pid} (a training) since")
    assert on_gpu.text.startswith(f"gpu is in use: process {training.pid} (a training) since")
    assert of_dvc.text == f"DVC's lock is in use: process {dvc.pid}"
    assert {finding.state for finding in (in_folder, on_gpu, of_dvc)} == {"note"}


def test_a_lock_of_a_killed_process_is_free(project, no_leases, start):
    for program, path in ((HOLDING, RUN), (LIKE_DVC, ".dvc/tmp/lock")):
        process = start(program, path)
        process.kill()
        process.wait()
    assert texts(locks.examine()) == ["no run is at work in this folder"]


def test_a_stopped_process_that_holds_a_lock_is_wrong(project, no_leases, start):
    process = start(HOLDING, RUN)
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    (finding,) = locks.examine()
    assert finding.state == "wrong"
    assert f"It is stopped: `kill -CONT {process.pid}` lets it go on." in finding.text


# ---- DVC's list -----------------------------------------------------------------------


@pytest.fixture
def killed(project):
    """Kill a DVC, and what it ran, in the middle of a stage; return its process."""
    stages = "stages: {only: {cmd: touch begun; sleep 300, deps: [photos], outs: [made]}}\n"
    (project.root / "dvc.yaml").write_text(stages)
    dvc = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "only"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for((project.root / "begun").exists, seconds=90)
    assert texts(rwlock.examine()) == []
    os.killpg(dvc.pid, signal.SIGKILL)
    yield dvc
    dvc.wait()


def test_a_killed_dvc_is_forgotten_and_only_that(killed, project):
    wait_for(lambda: psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE)
    alive = {"pid": os.getpid(), "cmd": "a living one"}
    content = rwlock.read()
    content["read"][str(project.root / "params.yaml")] = [alive]
    content["read"][str(project.root / "photos")].append(alive)
    rwlock.LIST.write_text(json.dumps(content))

    (finding,) = rwlock.examine()
    assert f"DVC counts on process {killed.pid} (" in finding.text
    assert "dvc/__main__.py repro only), which is gone." in finding.text
    assert project.dvc("repro", "only").returncode != 0  # for DVC takes the zombie for alive
    assert finding.cure() == f"forgot process {killed.pid} in .dvc/tmp/rwlock"
    assert rwlock.read() == {
        "read": {str(project.root / name): [alive] for name in ("photos", "params.yaml")},
        "write": {},
    }
    assert list(rwlock.examine()) == []


def test_a_stranger_with_the_number_of_a_dead_dvc_is_no_dvc(project, start):
    entry = {"pid": os.getpid(), "cmd": "dvc repro"}
    rwlock.LIST.write_text(json.dumps({"write": {str(project.root / "out/raw-a"): entry}}))
    assert list(rwlock.examine()) == []
    assert "is busy" in project.dvc("repro", "fetch@a").stderr

    an_hour_ago = psutil.Process().create_time() - 3600
    os.utime(rwlock.LIST, (an_hour_ago, an_hour_ago))
    (finding,) = rwlock.examine()
    finding.cure()
    assert project.dvc("repro", "fetch@a").returncode == 0


def test_half_a_list_keeps_every_dvc_out_until_it_is_removed(project, start):
    rwlock.LIST.write_text('{"read": {"/some')
    assert "corrupted" in project.dvc("repro", "fetch@a").stderr
    (finding,) = rwlock.examine()
    assert finding.state == "wrong"

    training = start(HOLDING, RUN)
    with pytest.raises(Busy, match=rf"process {training.pid} \(a training\) since"):
        finding.cure()
    assert rwlock.LIST.exists()

    training.kill()
    training.wait()
    assert finding.cure() == "removed .dvc/tmp/rwlock"
    assert project.dvc("repro", "fetch@a").returncode == 0


@pytest.mark.parametrize("content", ["[]", '{"read": []}', "3"])
def test_a_list_of_another_shape_is_broken_as_well(project, content):
    rwlock.LIST.write_text(content)
    assert [finding.state for finding in rwlock.examine()] == ["wrong"]
