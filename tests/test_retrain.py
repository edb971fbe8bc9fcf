"""The flow against a real Prefect server, and its bytes against those of `dvc repro`."""

import datetime
import os
import re
import signal
import subprocess
import sys

import pytest

from flows.retrain import retrain
from tasks.stage.locks import RUN, held, holder

from .conftest import ROOT, Project
from .living import commands_in, wait_for

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Prefect's and DVC's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Prefect's connections
]


def git(*arguments):
    asked = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def write_gitignore(project):
    """Have git ignore what is not a result, as in the real project."""
    for folder, lines in {".": "/data\n/photos\n/report\n/out\n"}.items():
        (project.root / folder / ".gitignore").write_text(lines)


def commit_all():
    """Commit everything on `main`; return the short name of the commit."""
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    git("checkout", "--quiet", "-B", "main")
    git("add", ".")
    git("commit", "--quiet", "--message", "Begin")
    return git("rev-parse", "--short", "HEAD")


def command_line(project, *arguments, **environment):
    """Start `python -m flows.retrain` in the project."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.retrain", *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )


def endings(output):
    """Read the table of stages back."""
    return dict(re.findall(r"^ +(\S+) +(ran|restored|unchanged|failed|not run)\b", output, re.M))


@pytest.mark.slow  # test_one_dag sees the same in a larger project
def test_from_nothing_and_after_a_change_the_bytes_are_those_of_dvc_repro(project, api, capsys):
    twin = project.twin()
    assert retrain(return_state=True).is_completed()
    assert set(endings(capsys.readouterr().out).values()) == {"unchanged", "ran"}
    assert twin.dvc("repro").returncode == 0
    assert project.written_by_dvc() == twin.written_by_dvc()
    assert "up to date" in project.dvc("status").stdout

    for each in (project, twin):
        each.write_recipes(quick={"rate": 3})
    assert retrain(return_state=True).is_completed()
    assert endings(capsys.readouterr().out) == {
        "photos.dvc": "unchanged", "fetch@a": "unchanged", "fetch@b": "unchanged",
        "fit@slow": "unchanged", "fit@quick": "ran",
        "score@slow": "unchanged", "score@quick": "ran", "gather": "ran",
    }  # fmt: skip
    twin.dvc("repro")
    assert project.written_by_dvc() == twin.written_by_dvc()


@pytest.mark.slow  # test_one_dag sees the same in a larger project
def test_some_experiments_and_then_all_leave_the_bytes_of_dvc_repro(project, api):
    twin = project.twin()
    assert retrain(["quick"], return_state=True).is_completed()
    twin.dvc("repro", "score@quick")
    twin.dvc("repro", "--single-item", "gather")
    assert project.written_by_dvc() == twin.written_by_dvc()
    assert (project.root / "report").read_text() == "fitted 2\n"

    assert retrain(return_state=True).is_completed()
    twin.dvc("repro")
    assert project.written_by_dvc() == twin.written_by_dvc()


def test_a_failure_stops_only_what_depends_on_it(project, api, capsys):
    project.write_recipes(quick={"exit": 3})
    twin = project.twin()
    state = retrain(return_state=True)
    assert state.is_failed()
    assert state.message == "1 of 8 stages failed: fit@quick."
    output = capsys.readouterr().out
    assert endings(output) == {
        "photos.dvc": "unchanged", "fetch@a": "ran", "fetch@b": "ran",
        "fit@slow": "ran", "fit@quick": "failed",
        "score@slow": "ran", "score@quick": "not run", "gather": "not run",
    }  # fmt: skip
    assert "not run (needs fit@quick)" in output
    assert "fit@quick failed:\n    fitted 2\n" in output
    twin.dvc("repro", "--keep-going")
    assert project.written_by_dvc()["dvc.lock"] == twin.written_by_dvc()["dvc.lock"]


def test_tasks_are_named_as_in_dvc_and_their_logs_hold_what_the_stages_print(project, api):
    run_id = retrain(["quick"], return_state=True).state_details.flow_run_id
    by_run = {"flow_run_id": {"any_": [str(run_id)]}}

    def names():
        runs = api.request("POST", "/task_runs/filter", json={"task_runs": by_run}).json()
        return {task["name"]: task["id"] for task in runs if task["state_name"] == "Completed"}

    def lines():
        logs = api.request("POST", "/logs/filter", json={"logs": by_run}).json()
        return [log["message"] for log in logs if log["task_run_id"] == names().get("fit@quick")]

    wait_for(lambda: set(names()) == {"fetch@b", "fit@quick", "score@quick", "gather"})
    wait_for(lambda: "fitted 2" in lines())


def test_retries_come_from_meta_and_the_last_one_counts(project, api, capsys):
    path = project.root / "dvc.yaml"
    flaky = "cmd: test -e tried || { touch tried; exit 1; }; cat metrics"
    text = path.read_text().replace("cmd: cat metrics", flaky)
    path.write_text(text + "    meta: {retries: 1}\n")
    assert retrain(["quick"], return_state=True).is_completed()
    assert endings(capsys.readouterr().out)["gather"] == "ran"


def test_a_run_that_changed_nothing_says_since_when(project, api):
    project.dvc("repro")
    state = retrain(return_state=True)
    assert state.message == "nothing changed since the last run, which is not committed"
    last = commit_all()
    assert retrain(return_state=True).message == f"nothing changed since {last}"


def test_a_forced_run_runs_what_did_not_change_and_leaves_the_same_bytes(project, api, capsys):
    project.dvc("repro")
    before = project.written_by_dvc()
    assert retrain(["quick"], force=True, return_state=True).is_completed()
    assert endings(capsys.readouterr().out) == {
        "photos.dvc": "ran", "fetch@b": "ran", "fit@quick": "ran",
        "score@quick": "ran", "gather": "ran",
    }  # fmt: skip
    assert project.written_by_dvc() == before


def test_a_run_waits_for_another_one_or_says_who_is_at_work(project, api):
    project.write_recipes(slow={"sleep": 0})
    with held(RUN, "another run"):
        state = retrain(return_state=True)
    assert re.fullmatch(r"process \d+ \(another run\) since .* is at work in .*", state.message)
    other = subprocess.Popen([sys.executable, "-c", HOLD], env={**os.environ, "PYTHONPATH": ROOT})
    wait_for(lambda: holder(RUN))
    assert retrain(wait=True, return_state=True).is_completed()
    other.wait()


HOLD = """
import time
from tasks.stage.locks import RUN, held
with held(RUN, "another run"):
    time.sleep(2)
"""


def test_a_commit_holds_what_the_run_wrote_on_a_branch_of_its_own(project, api):
    write_gitignore(project)
    project.dvc("repro", "fit@quick")
    began = commit_all()
    branch = f"retrain/{datetime.date.today().isoformat()}"
    state = retrain(commit=True, return_state=True)
    assert state.message == f"5 of 8 stages ran, and all are up to date; committed on {branch}"
    assert git("branch", "--show-current") == branch
    assert git("rev-parse", "--short", "main") == git("rev-parse", "--short", "HEAD~1") == began
    assert git("log", "-1", "--format=%s") == "Retrain a, slow, quick"
    assert git("show", "--format=", "--name-only").split() == [
        "dvc.lock", "metrics/quick.json", "metrics/slow.json",
    ]  # fmt: skip
    assert git("status", "--porcelain") == ""

    last = git("rev-parse", "--short", "HEAD")
    assert retrain(commit=True, return_state=True).message == f"nothing changed since {last}"
    assert git("rev-parse", "--short", "HEAD") == last


def test_what_a_failed_run_left_is_in_the_commit_of_the_next(project, api):
    write_gitignore(project)
    project.write_recipes(quick={"exit": 3})
    began = commit_all()
    assert retrain(commit=True, return_state=True).is_failed()
    assert git("branch", "--show-current") == "main"
    assert "dvc.lock" in git("status", "--porcelain")

    fail_once = project.root / "params.yaml"
    fail_once.write_text(fail_once.read_text().replace("exit: 3", "exit: 0"))
    message = retrain(commit=True, return_state=True).message
    assert re.fullmatch(r"cannot commit: .* not clean: params\.yaml\. Commit, .*", message)
    git("commit", "--quiet", "--message", "Mend", "params.yaml")
    assert "committed on" in retrain(commit=True, return_state=True).message
    assert git("rev-parse", "--short", "HEAD~2") == began
    assert git("status", "--porcelain") == ""


def test_outputs_and_the_run_cache_are_pushed_and_a_clone_finds_all_up_to_date(
    project, api, tmp_path
):
    write_gitignore(project)
    project.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    commit_all()
    message = retrain(push=True, commit=True, return_state=True).message
    assert "; pushed; committed on retrain/" in message
    assert list((tmp_path / "store").glob("**/runs/*"))
    clone = Project(tmp_path / "a clone")
    git("clone", "--quiet", str(project.root), str(clone.root))
    again = clone.dvc("repro", "--pull", "--allow-missing")
    assert "Data and pipelines are up to date." in again.stdout
    assert git("-C", str(clone.root), "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"experiments": ["petz"]}, "unknown name 'petz': dvc.yaml has a, b, slow, quick."),
        ({"workers": 0}, "no stage can run with 0 workers: expected at least 1."),
        ({"push": True}, "cannot push: DVC has no default remote. Name one: dvc remote add "),
        ({"commit": True}, "cannot commit: expected a git repository with at least one commit"),
        ({"overrides": ["threads"]}, "cannot set 'threads': expected KEY.KEY=VALUE, such as "),
    ],
)
def test_what_cannot_be_done_fails_the_flow_with_one_line_and_nothing_done(
    project, api, asked, expected
):
    before = project.written_by_dvc()
    state = retrain(**asked, return_state=True)
    assert state.is_failed()
    assert state.message.startswith(expected)
    assert "\n" not in state.message
    assert project.written_by_dvc() == before


def test_a_second_run_from_the_command_line_says_that_nothing_changed(project):
    project.dvc("repro")
    before = project.written_by_dvc()
    run = command_line(project, PREFECT_API_URL="http://127.0.0.1:9/api")  # nobody is asked
    output, _ = run.communicate(timeout=200)
    assert run.returncode == 0
    assert set(endings(output).values()) == {"unchanged"}
    assert "Nothing changed since the last run, which is not committed." in output
    assert project.written_by_dvc() == before


def test_the_flow_starts_without_the_libraries_that_only_stages_need():
    code = "import sys, flows.retrain; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "flows.retrain" in loaded
    assert not loaded & {"tensorflow", "keras", "numba", "pandas", "scipy", "sklearn"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["quik"], "unknown name 'quik': dvc.yaml has a, b, slow, quick. Did you mean 'quick'?"),
        (["--push"], "cannot push: DVC has no default remote. Name one: dvc remote add --default"),
        (["--set", "threads"], "cannot set 'threads': expected KEY.KEY=VALUE, such as"),
        ([], "no Prefect server answers at 'http://127.0.0.1:9/api': "),
    ],
)
def test_the_command_line_refuses_what_cannot_be_done_in_one_line(project, arguments, expected):
    run = command_line(project, *arguments, PREFECT_API_URL="http://127.0.0.1:9/api")
    output, _ = run.communicate(timeout=200)
    assert run.returncode == 1
    assert output.startswith(f"error: {expected}")
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_leaves_no_process_and_a_lock_that_dvc_can_read(project, server, number):
    project.write_recipes(slow={"sleep": 300})
    run = command_line(project, PREFECT_API_URL=server)
    wait_for(lambda: ["sleep", "300"] in commands_in(project.root), seconds=90)
    wait_for((project.root / "metrics" / "quick.json").exists)
    run.send_signal(number)
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 128 + number
    assert "Traceback" not in output
    assert commands_in(project.root) == []
    assert "fit@slow" in project.dvc("status").stdout


@pytest.mark.slow
def test_without_a_server_one_is_started_and_ended(project, empty_home):
    project.write_recipes(slow={"sleep": 0})
    run = command_line(project, "quick", **empty_home)
    output, _ = run.communicate(timeout=280)
    assert run.returncode == 0, output
    assert endings(output)["gather"] == "ran"
    assert commands_in(project.root) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_ends_a_run_with_its_own_server_at_once(
    project, empty_home, number
):
    project.write_recipes(slow={"sleep": 300})
    run = command_line(project, "slow", **empty_home)
    wait_for(lambda: ["sleep", "300"] in commands_in(project.root), seconds=600)
    os.killpg(run.pid, number)  # as a terminal or `timeout` does
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert "Traceback" not in output
    assert commands_in(project.root) == []


@pytest.fixture
def empty_home(tmp_path):
    """Return an environment with an empty home and no server."""
    home = tmp_path / "an empty home"
    home.mkdir()
    return {"HOME": str(home), "PREFECT_HOME": str(home / ".prefect")}
