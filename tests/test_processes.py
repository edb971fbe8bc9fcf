import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from flows.processes import Outcome, StageFailed, StageProcesses

from .conftest import ROOT
from .living import commands_in, wait_for


def write_stage(project, command, **more):
    """Make `only` the one stage of the project."""
    lines = [f"    {key}: {value}" for key, value in {"cmd": f"'{command}'", **more}.items()]
    (project.root / "dvc.yaml").write_text("\n".join(["stages:", "  only:", *lines]) + "\n")


def test_lines_arrive_while_the_stage_runs_without_dvcs_advice(project):
    write_stage(project, "echo one; sleep 1; echo two >&2")
    lines, times = [], []

    def log(line):
        lines.append(line)
        times.append(time.monotonic())

    with StageProcesses() as processes:
        processes.run("only", None, log)
    assert lines[0] == "Running stage 'only':"
    assert lines[2:4] == ["one", "two"]
    assert lines[4].startswith("ran in ")
    assert len(lines) == 5
    assert times[3] - times[2] > 0.5
    assert processes.outcomes["only"].ending == "ran"


def test_what_became_of_a_stage_is_read_from_dvc(project):
    write_stage(project, "cp photos copy", deps="[photos]", outs="[copy]")
    endings = []
    for _ in range(2):
        processes = StageProcesses()
        processes.run("only", None, str)
        endings.append(processes.outcomes["only"].ending)
    (project.root / "copy").unlink()
    (project.root / "dvc.lock").unlink()
    processes.run("only", None, str)  # from DVC's run cache
    endings.append(processes.outcomes["only"].ending)
    assert endings == ["ran", "unchanged", "restored"]


def test_a_data_file_is_a_stage_as_well(project):
    processes = StageProcesses()
    processes.run("photos.dvc", None, str)
    assert processes.outcomes["photos.dvc"].ending == "unchanged"


def test_a_failure_says_the_last_that_the_stage_said(project):
    write_stage(project, "for i in 1 2 3 4 5 6 7; do echo line $i; done; exit 3")
    processes = StageProcesses()
    with pytest.raises(StageFailed, match=r"^line 4\nline 5\nline 6\nline 7$"):
        processes.run("only", None, str)
    assert processes.outcomes["only"].ending == "failed"
    assert processes.outcomes["only"].reason.endswith("line 7")


def test_a_failure_of_dvc_itself_is_told_as_well(project):
    write_stage(project, "true", deps="[nowhere]")
    with pytest.raises(StageFailed, match="nowhere"):
        StageProcesses().run("only", None, str)


def test_a_stage_that_takes_too_long_is_ended_with_all_its_processes(project):
    write_stage(project, "sleep 301 & sleep 300; true")
    began = time.monotonic()
    with pytest.raises(StageFailed, match=r"^took longer than its timeout_s, 3 s$"):
        StageProcesses().run("only", 3, str)
    assert time.monotonic() - began < 10
    assert commands_in(project.root) == []


def test_what_a_stage_leaves_running_ends_with_it(project):
    write_stage(project, "sleep 300 & echo done")
    StageProcesses().run("only", None, str)
    assert commands_in(project.root) == []


def test_a_command_that_ignores_the_signal_is_killed(project, monkeypatch):
    monkeypatch.setattr("flows.stage_process.GRACE_S", 0.5)  # in this process: the last resort
    write_stage(project, 'trap "" TERM; while true; do sleep 0.2; done')
    with pytest.raises(StageFailed, match="took longer"):
        StageProcesses().run("only", 2, str)
    assert commands_in(project.root) == []


def test_ending_all_lets_no_other_start(project):
    write_stage(project, "sleep 300")
    processes, failures = StageProcesses(), []

    def run():
        try:
            processes.run("only", None, str)
        except StageFailed as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: ["sleep", "300"] in commands_in(project.root))
    processes.end()
    thread.join(10)
    assert commands_in(project.root) == []
    with pytest.raises(StageFailed, match="the run was ended"):
        processes.run("only", None, str)
    assert failures == ["the run was ended"]
    assert processes.outcomes["only"] == Outcome(
        "failed", pytest.approx(0, abs=1), "the run was ended"
    )


@pytest.mark.parametrize(
    "command",
    [
        "sleep 300",
        pytest.param('trap "" TERM; while true; do sleep 0.2; done', marks=pytest.mark.slow),
    ],
)
def test_nothing_goes_on_behind_a_flow_that_was_killed(project, command):
    write_stage(project, f"touch begun; {command}")
    program = """
        from flows.processes import StageProcesses
        StageProcesses().run("only", None, print)
    """
    flow = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    wait_for((project.root / "begun").exists)
    flow.kill()
    flow.wait()
    wait_for(lambda: commands_in(project.root) == [])
