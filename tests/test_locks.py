"""Locks between real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest

from tasks.stage import StageError
from tasks.stage.locks import (
    RUN,
    Busy,
    claimed,
    held,
    holder,
    lease_path,
    resource_of,
    shared_by_ancestor,
)

from .conftest import ROOT

HOLD = """
import sys, time
from pathlib import Path
from tasks.stage.locks import held
with held(Path(sys.argv[1]), "another run", shared="shared" in sys.argv):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def another(tmp_path):
    """Return a function that starts a process which holds a lock; all end with the test."""
    started = []

    def start(path, *options):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def kill_soon():
    """Return a function that kills a process half a second later."""
    killers = []

    def start(pid):
        killers.append(Timer(0.5, os.kill, (pid, signal.SIGKILL)))
        killers[-1].start()

    yield start
    for killer in killers:
        killer.join()


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "deep" / "run.lock"


def test_a_held_lock_names_its_holder_in_one_line(lock, another):
    other = another(lock)
    told = rf"process {other.pid} \(another run\) since 20\S+ \S+ is at work in .* Wait for its end"
    with pytest.raises(Busy, match=told) as refused, held(lock, "this run"):
        pass
    assert "\n" not in str(refused.value)
    assert holder(lock).pid == other.pid


def test_a_second_attempt_in_one_process_leaves_the_holder_s_name(lock):
    with held(lock, "this run"):
        with pytest.raises(Busy), held(lock, "this run again"):
            pass
        assert holder(lock).what == "this run"


def test_a_holder_whose_command_is_no_unicode_is_named_too(lock):
    with held(lock, "train \udcff"):
        assert holder(lock).what == r"train \udcff"


def test_a_lock_is_free_after_its_block_and_after_a_kill(lock, another):
    with held(lock, "this run"):
        assert holder(lock).what == "this run"
    assert holder(lock) is None
    other = another(lock)
    other.kill()
    other.wait()
    assert holder(lock) is None
    with held(lock, "this run"):
        pass


def test_waiting_ends_when_the_holder_does(lock, another, kill_soon, capsys):
    other = another(lock)
    kill_soon(other.pid)
    with held(lock, "this run", wait=True):
        other.wait()
    assert capsys.readouterr().out.startswith(f"waiting for process {other.pid} (another run)")


def test_shared_holders_stand_beside_each_other_but_not_beside_an_exclusive_one(lock, another):
    another(lock, "shared")
    with held(lock, "this stage", shared=True):
        pass
    with pytest.raises(Busy), held(lock, "this run"):
        pass


def test_a_child_that_inherits_the_lock_keeps_it_held_behind_a_killed_parent(lock):
    hand_on = HOLD.replace('print("held", flush=True)', "start(lock)").replace(" as lock", "")
    hand_on = hand_on.replace("):\n", ") as lock:\n").replace(
        "import sys, time",
        "import subprocess, sys, time\n"
        "def start(lock):\n"
        "    child = subprocess.Popen(['sleep', '60'], pass_fds=[lock])\n"
        "    print(child.pid, flush=True)",
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", hand_on, str(lock)], stdout=subprocess.PIPE, text=True
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert holder(lock).pid == parent.pid
    os.kill(child, 9)
    while holder(lock):
        time.sleep(0.01)


def test_what_a_process_holds_is_shared_with_those_that_it_starts(lock):
    ask = "from pathlib import Path; from tasks.stage.locks import shared_by_ancestor as s; "
    ask += f"print(s(Path({str(lock)!r})))"
    with held(lock, "this run"):
        assert not shared_by_ancestor(lock)  # this very process would wait for itself
        assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "True\n"
    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "False\n"


def test_a_stage_is_refused_while_a_run_is_at_work_and_two_stages_are_not(cli, workspace, another):
    with claimed("split"):
        assert "unknown dataset" in cli("split", "petz").stderr
    other = another(workspace.root / RUN)
    done = cli("split", "digits")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: process {other.pid} (another run) since ")
    assert done.stderr.count("\n") == 1


def test_the_resource_of_a_stage_is_read_from_its_meta(workspace):
    assert resource_of("train") is None
    Path("dvc.yaml").write_text(
        "stages:\n"
        "  split: {cmd: split}\n"
        "  gather: {cmd: gather, meta: {resource: disk}}\n"
        "  train:\n    foreach: [a]\n    do: {cmd: train, meta: {resource: gpu, retries: 1}}\n"
    )
    assert [resource_of(s) for s in ("split", "gather", "train", "predict")] == [
        None, "disk", "gpu", None,
    ]  # fmt: skip


def test_a_stage_waits_for_its_resource(workspace, another, kill_soon, capsys):
    resource = f"test-{os.getpid()}"
    Path("dvc.yaml").write_text(
        f"stages:\n  train: {{cmd: train, meta: {{resource: {resource}}}}}\n"
    )
    other = another(lease_path(resource))
    kill_soon(other.pid)
    with claimed("train"):
        other.wait()
        assert holder(lease_path(resource)).pid == os.getpid()
    assert f"let go of 'assay-{resource}'" in capsys.readouterr().out
    lease_path(resource).unlink()


def test_a_resource_with_an_odd_name_is_refused():
    with pytest.raises(StageError, match=r"resource '\.\./gpu' in dvc.yaml: expected small "):
        lease_path("../gpu")
