"""`prefect.yaml` on a real server, with a real worker that was started in another folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT
from .living import wait_for
from .test_retrain import commit_all, git


def prefect(server, folder, *arguments):
    """Start one of Prefect's own commands; it knows the address of the server, and no more."""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with Path(folder, "log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=folder,
            env={**known, "PREFECT_API_URL": server},
            stdout=log,
            stderr=log,
        )


@pytest.fixture
def elsewhere(tmp_path):
    """Return a folder that has nothing to do with the project."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def worker(server, elsewhere):
    """Start a worker in a folder that is not the project's."""
    process = prefect(server, elsewhere, "worker", "start", "--pool", "retrain", "--limit", "2")
    wait_for(lambda: "started!" in (elsewhere / "log").read_text(), seconds=120)
    yield process
    process.terminate()
    process.wait(60)


@pytest.fixture
def deployed(server, api, project, worker):
    """Deploy the project's own prefect.yaml from the folder of a project of shell stages."""
    for name in ("flows", "tasks", "prefect.yaml", "prefect.toml"):
        (project.root / name).symlink_to(ROOT / name)
    (project.root / ".gitignore").write_text("/data\n/log\n/photos\n/report\n/out\n")
    commit_all()
    assert prefect(server, project.root, "deploy", "--all").wait(120) == 0
    yield {name: deployment(api, name) for name in ("manual", "nightly")}
    for each in api.request("POST", "/deployments/filter", json={}).json():
        api.request("DELETE", "/deployments/{id}", path_params={"id": each["id"]})


def deployment(api, name):
    by_name = {"deployment_name": name, "flow_name": "retrain"}
    return api.request(
        "GET", "/deployments/name/{flow_name}/{deployment_name}", path_params=by_name
    ).json()


def runs(api, name):
    """Return the runs of a deployment that have ended, in order."""
    by_deployment = {"deployments": {"name": {"any_": [name]}}, "sort": "START_TIME_ASC"}
    found = api.request("POST", "/flow_runs/filter", json=by_deployment).json()
    return [run for run in found if run["end_time"]]


@pytest.mark.slow
def test_what_is_deployed_is_what_the_file_says(deployed, project):
    for each in deployed.values():
        assert each["global_concurrency_limit"]["limit"] == 1
        assert each["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert each["work_pool_name"] == "retrain"
        (step,) = each["pull_steps"]
        assert list(step.values()) == [{"directory": str(project.root)}]
    assert deployed["manual"]["schedules"] == []
    (schedule,) = deployed["nightly"]["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == "30 2 * * *"
    assert schedule["schedule"]["timezone"] == "Europe/Berlin"
    described = deployed["manual"]["parameter_openapi_schema"]["properties"]
    asked = {"experiments", "overrides", "force", "push", "commit", "workers", "wait"}
    assert set(described) == asked
    assert all(parameter["description"] for parameter in described.values())


@pytest.mark.slow
def test_a_schedule_fires_and_fires_again(deployed, server, api, project):
    often = ["deployment", "schedule", "create", "retrain/nightly", "--interval", "15", "--replace"]
    assert prefect(server, project.root, *often, "--accept-yes").wait(60) == 0
    wait_for(lambda: len(runs(api, "nightly")) >= 2, seconds=240)
    first, second, *_ = runs(api, "nightly")
    assert first["auto_scheduled"]
    assert second["auto_scheduled"]
    branch = git("branch", "--show-current")
    assert branch.startswith("retrain/")
    assert first["state"]["message"] == (
        f"7 of 8 stages ran, and all are up to date; committed on {branch}"
    )
    last = git("rev-parse", "--short", "HEAD")
    assert second["state"]["message"] == f"nothing changed since {last}"
    assert git("rev-parse", "--short", "HEAD~1") == git("rev-parse", "--short", "main")
    assert git("status", "--porcelain") == ""


@pytest.mark.slow
def test_a_run_on_request_takes_parameters_and_says_how_it_ended(deployed, server, api, project):
    asked = ["deployment", "run", "retrain/manual", "--watch", "-p", 'experiments=["quik"]']
    assert prefect(server, project.root, *asked).wait(120) == 1
    (run,) = runs(api, "manual")
    assert run["state"]["type"] == "FAILED"
    assert run["state"]["message"] == (
        "unknown name 'quik': dvc.yaml has a, b, slow, quick. Did you mean 'quick'?"
    )
    asked[-1] = 'experiments=["quick"]'
    assert prefect(server, project.root, *asked).wait(120) == 0
    assert runs(api, "manual")[-1]["state"]["type"] == "COMPLETED"
    assert (project.root / "report").read_text() == "fitted 2\n"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path, monkeypatch):
    (tmp_path / "assay").symlink_to(ROOT)
    monkeypatch.setenv("HOME", str(tmp_path))
    units = sorted((ROOT / "deploy").glob("*.service"))
    assert [unit.stem for unit in units] == ["prefect-server", "prefect-worker"]
    verify = ["systemd-analyze", "verify", "--man=no", *units]
    checked = subprocess.run(verify, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_units_start_what_exists_in_this_project():
    for unit in (ROOT / "deploy").glob("*.service"):
        commands = re.findall("ExecStart(?:Pre)?=-?%h/assay/.venv/bin/(.*)", unit.read_text())
        assert len(commands) == unit.read_text().count("ExecStart")
        for command in commands:
            asked = command.removeprefix("python -m ").split()
            ran = subprocess.run([sys.executable, "-m", *asked, "--help"], capture_output=True)
            assert ran.returncode == 0
