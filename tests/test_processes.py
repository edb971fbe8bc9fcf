import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack, suppress

import psutil
import pytest

from flows.care import Care
from flows.graph import Stage
from flows.processes import Outcome, StageFailed, StageProcesses
from tasks.stage.locks import RUN, held, holder, lease_path

from .conftest import ROOT
from .living import commands_in, wait_for


def write_stage(project, command, **more):
    """Make `only` the one stage of the project."""
    lines = [f"    {key}: {value}" for key, value in {"cmd": f"'{command}'", **more}.items()]
    (project.root / "dvc.yaml").write_text("\n".join(["stages:", "  only:", *lines]) + "\n")


def stage(address, **care):
    return Stage(address, frozenset(), Care(**care))


def test_lines_arrive_while_the_stage_runs_without_dvcs_advice(project):
    write_stage(project, "echo one; sleep 1; echo two >&2")
    lines, times = [], []

    def log(line):
        lines.append(line)
        times.append(time.monotonic())

    with StageProcesses() as processes:
        processes.run(stage("only"), log)
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
        processes.run(stage("only"), str)
        endings.append(processes.outcomes["only"].ending)
    (project.root / "copy").unlink()
    (project.root / "dvc.lock").unlink()
    processes.run(stage("only"), str)  # from DVC's run cache
    endings.append(processes.outcomes["only"].ending)
    assert endings == ["ran", "unchanged", "restored"]


def test_a_data_file_is_a_stage_as_well(project):
    processes = StageProcesses()
    processes.run(stage("photos.dvc"), str)
    assert processes.outcomes["photos.dvc"].ending == "unchanged"


def test_a_failure_says_the_last_that_the_stage_said(project):
    write_stage(project, "for i in 1 2 3 4 5 6 7; do echo line $i; done; exit 3")
    processes = StageProcesses()
    with pytest.raises(StageFailed, match=r"^line 4\nline 5\nline 6\nline 7$"):
        processes.run(stage("only"), str)
    assert processes.outcomes["only"].ending == "failed"
    assert processes.outcomes["only"].reason.endswith("line 7")


def test_a_failure_of_dvc_itself_is_told_as_well(project):
    write_stage(project, "true", deps="[nowhere]")
    with pytest.raises(StageFailed, match="nowhere"):
        StageProcesses().run(stage("only"), str)


def test_a_stage_that_takes_too_long_is_ended_with_all_its_processes(project):
    write_stage(project, "sleep 301 & sleep 300; true")
    began = time.monotonic()
    with pytest.raises(StageFailed, match=r"^took longer than its timeout_s, 3 s$"):
        StageProcesses().run(stage("only", timeout_s=3), str)
    assert time.monotonic() - began < 10
    assert commands_in(project.root) == []


def test_what_a_stage_leaves_running_ends_with_it(project):
    write_stage(project, "sleep 300 & echo done")
    StageProcesses().run(stage("only"), str)
    assert commands_in(project.root) == []


def test_a_command_that_ignores_the_signal_is_killed(project, monkeypatch):
    monkeypatch.setattr("flows.stage_process.GRACE_S", 0.5)  # in this process: the last resort
    write_stage(project, 'trap "" TERM; while true; do sleep 0.2; done')
    with pytest.raises(StageFailed, match="took longer"):
        StageProcesses().run(stage("only", timeout_s=2), str)
    assert commands_in(project.root) == []


def test_a_timeout_does_not_count_the_wait_for_a_resource(project):
    name = f"test-{os.getpid()}"
    write_stage(project, "true")
    another = ExitStack()
    another.enter_context(held(lease_path(name), "another"))
    threading.Timer(5, another.close).start()
    processes = StageProcesses()
    processes.run(stage("only", resource=name, timeout_s=4), str)
    assert processes.outcomes["only"].ending == "ran"
    assert processes.outcomes["only"].seconds < 4
    lease_path(name).unlink()


def test_ending_all_lets_no_other_start(project):
    write_stage(project, "sleep 300")
    processes, failures = StageProcesses(), []

    def run():
        try:
            processes.run(stage("only"), str)
        except StageFailed as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: ["sleep", "300"] in commands_in(project.root))
    processes.end()
    thread.join(10)
    assert commands_in(project.root) == []
    with pytest.raises(StageFailed, match="the run was ended"):
        processes.run(stage("only"), str)
    assert failures == ["the run was ended"]
    assert processes.outcomes["only"] == Outcome(
        "failed", pytest.approx(0, abs=1), "the run was ended"
    )


def test_what_a_stage_leaves_in_a_session_of_its_own_ends_with_it(project):
    write_stage(project, "setsid sleep 300 & echo done")
    StageProcesses().run(stage("only"), str)
    assert commands_in(project.root) == []


def test_a_session_of_its_own_does_not_outlive_a_timeout(project):
    write_stage(project, "setsid sleep 300 & sleep 301")
    with pytest.raises(StageFailed, match="took longer"):
        StageProcesses().run(stage("only", timeout_s=3), str)
    assert commands_in(project.root) == []


@pytest.mark.parametrize(
    "command",
    [
        "sleep 300",
        pytest.param('trap "" TERM; while true; do sleep 0.2; done', marks=pytest.mark.slow),
    ],
)
def test_nothing_goes_on_behind_a_flow_that_was_killed(project, command):
    write_stage(project, f"touch begun; {command}")
    flow = flow_of_one_stage()
    wait_for((project.root / "begun").exists)
    flow.kill()
    flow.wait()
    wait_for(lambda: commands_in(project.root) == [], seconds=5)


def test_a_run_is_over_for_others_when_its_last_stage_is_gone(project):
    write_stage(project, 'trap "sleep 1; exit" TERM; touch begun; while true; do sleep 0.1; done')
    flow = flow_of_one_stage()
    wait_for((project.root / "begun").exists)
    flow.kill()
    flow.wait()
    assert holder(RUN).pid == flow.pid
    wait_for(lambda: holder(RUN) is None, seconds=5)
    assert commands_in(project.root) == []


def is_stage(process):
    """Say whether a child is DVC for one stage, not the tests' server or one that has ended."""
    with suppress(psutil.ZombieProcess):
        return "stage_process.py" in " ".join(process.cmdline())


def flow_of_one_stage():
    """Start a process that runs `only` as a flow does."""
    program = """
        from tests.test_processes import RUN, StageProcesses, held, stage
        with held(RUN, "a run") as lock:
            StageProcesses([lock]).run(stage("only"), print)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )


def test_dvc_lock_is_whole_at_every_moment(project):
    """DVC itself writes into the file, longer than a kill needs."""
    stages = "".join(f"  s{i}: {{cmd: 'true', deps: [photos], outs: []}}\n" for i in range(300))
    (project.root / "dvc.yaml").write_text(f"stages:\n{stages}")
    project.dvc("commit", "--force")
    lock = project.root / "dvc.lock"
    before, seen = lock.read_text(), set()
    (project.root / "photos").write_text("other pixels")
    thread = threading.Thread(target=StageProcesses().run, args=(stage("s0"), str))
    thread.start()
    while thread.is_alive():
        seen.add(lock.read_text())
    after = lock.read_text()
    assert after != before
    assert seen | {before, after} == {before, after}


@pytest.mark.parametrize("depth", [0, 1], ids=["dvc", "the command"])
def test_a_kill_in_the_middle_leaves_no_process_and_nothing_that_counts_as_done(project, depth):
    write_stage(project, "echo half > copy; sleep 300; echo whole > copy", outs="[copy]")
    processes, failures = StageProcesses(), []

    def run():
        try:
            processes.run(stage("only"), str)
        except StageFailed as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for((project.root / "copy").exists)
    dvc = next(child for child in psutil.Process().children() if is_stage(child))
    [dvc, *dvc.children()][depth].kill()
    thread.join(10)
    assert failures == ["ended by SIGKILL"]
    assert commands_in(project.root) == []
    assert "changed outs" in project.dvc("status").stdout
    assert not (project.root / "dvc.lock").exists()


def test_dvc_starts_nothing_that_keeps_the_lock(project, monkeypatch):
    """By itself it reports home, once a day, from a process that outlives it."""
    write_stage(project, "true")
    project.dvc("config", "core.analytics", "true")
    monkeypatch.delenv("CI", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for name in ("DVC_ANALYTICS_ENDPOINT", "DVC_UPDATER_ENDPOINT"):
            monkeypatch.setenv(name, url)
        with held(RUN, "a run") as lock:
            StageProcesses([lock]).run(stage("only"), str)
        assert holder(RUN) is None
