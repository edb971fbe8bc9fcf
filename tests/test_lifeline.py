"""A stage behind a DVC that was killed."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tasks.stage.lifeline import GRACE_S, LOOK_S, starters

STAGE = """
import signal, time
from tasks.stage.lifeline import end_with_dvc
end_with_dvc()
{ignore}
print("works", flush=True)
while True:
    time.sleep(60)
"""
DVC = """
import os, subprocess, sys
print(subprocess.Popen(sys.argv[1:], env={**os.environ, "DVC_STAGE": "train@x"}).pid, flush=True)
import time; time.sleep(60)
"""


@pytest.mark.parametrize("shell", [[], ["/bin/sh", "-c", '"$0" "$@"; true']], ids=["", "shell"])
@pytest.mark.parametrize("ignore", ["", "signal.signal(signal.SIGTERM, lambda *_: None)"])
def test_a_stage_ends_within_5_s_of_a_killed_dvc(shell, ignore):
    stage = [*shell, sys.executable, "-c", STAGE.format(ignore=ignore)]
    dvc = subprocess.Popen([sys.executable, "-c", DVC, *stage], stdout=subprocess.PIPE, text=True)
    first = psutil.Process(int(dvc.stdout.readline()))
    assert dvc.stdout.readline() == "works\n"
    family = [first, *first.children(recursive=True)]
    os.kill(dvc.pid, signal.SIGKILL)
    dvc.wait()
    dvc.stdout.close()
    _, left = psutil.wait_procs(family, timeout=5)
    assert left == []
    assert LOOK_S + GRACE_S < 5


def test_a_stage_that_a_person_started_is_left_alone(monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    command = [sys.executable, "-c", STAGE.format(ignore="")]
    stage = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" & echo $!; wait', "", *command],
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = psutil.Process(int(stage.stdout.readline()))
    assert stage.stdout.readline() == "works\n"
    stage.kill()
    stage.wait()
    stage.stdout.close()
    time.sleep(2 * LOOK_S)
    assert worker.is_running()
    worker.kill()


def test_shells_between_a_stage_and_its_dvc_are_looked_through():
    assert starters()[0].pid == os.getppid()
