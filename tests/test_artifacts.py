"""What a run publishes, read back from a real server."""

import re
import shutil

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.artifacts import publish_run, publish_stage
from flows.processes import Outcome
from flows.retrain import retrain
from tasks.stage import AUGMENTED

from .browser import browse
from .prefect_server import running_server
from .test_progress import artifacts
from .test_publish import published as published  # a fixture: two scored experiments

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Prefect's and DVC's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Prefect's connections
]

RAN, UNCHANGED = Outcome("ran", 1.0), Outcome("unchanged")


@pytest.fixture
def scored(published, workspace):
    """Enter a copy of a folder with two scored experiments and a report; no git, no DVC."""
    shutil.copytree(published, workspace.root, dirs_exist_ok=True)


@task(cache_policy=NO_CACHE)
def stage(address, outcome):
    publish_stage(address, outcome)


@flow
def of_run(outcomes):
    publish_run(outcomes)
    return flow_run.id


@flow
def of_stages(outcomes):
    for address, outcome in outcomes.items():
        stage(address, outcome)
    return flow_run.id


def test_a_run_publishes_what_ran_and_the_results(scored, api):
    found = artifacts(api, of_run({"evaluate@digits_cnn": RAN, "publish": RAN}))
    assert {a["key"]: a["type"] for a in found} == dict.fromkeys(("stages", "results"), "markdown")
    assert all(a["task_run_id"] is None for a in found)
    words = {a["key"]: a["description"] for a in found}
    assert words["stages"] == "2 ran."
    assert words["results"] == "Not compared: there is no commit yet."


def test_a_run_in_which_nothing_changed_publishes_nothing(scored, api):
    assert artifacts(api, of_run({"evaluate@digits_cnn": UNCHANGED, "publish": UNCHANGED})) == []


def test_a_stage_that_made_something_shows_it_in_its_task(scored, api):
    outcomes = {
        "augment@digits_cnn": RAN,
        "augment@digits_knn": UNCHANGED,
        "train@digits_cnn": RAN,
        "evaluate@digits_cnn": Outcome("restored", 0.1),
        "evaluate@digits_knn": Outcome("failed", 1.0, "why"),
        "publish": RAN,
    }
    found = artifacts(api, of_stages(outcomes))
    assert {a["key"] for a in found} == {"augment-digits-cnn", "evaluate-digits-cnn", "report"}
    assert all(a["task_run_id"] for a in found)


def test_what_cannot_be_shown_is_in_the_log_and_fails_nothing(scored, api, caplog):
    (AUGMENTED / "digits_cnn.png").write_bytes(b"no picture" * 100_000)
    assert artifacts(api, of_stages({"augment@digits_cnn": RAN})) == []
    assert "could not publish what augment@digits_cnn shows: cannot identify image" in caplog.text
    assert "Traceback" in caplog.text


def test_a_flow_names_its_run_tags_its_stages_and_publishes_why_they_failed(project, api):
    project.write_recipes(quick={"exit": 3})
    (project.root / "params.yaml").open("a").write(
        "experiments: {slow: {dataset: a}, quick: {dataset: b}}\n"
    )
    run_id = retrain(["slow", "quick"], return_state=True).state_details.flow_run_id
    [page] = artifacts(api, run_id)
    assert page["description"] == "1 failed, 2 not run, 4 ran and 1 unchanged."
    assert "| `score@quick` | not run: needs fit@quick |  |\n" in page["data"]
    assert page["data"].endswith("## fit@quick failed\n\n    fitted 2\n")

    only = {"flow_run_id": {"any_": [str(run_id)]}}
    runs = api.request("POST", "/task_runs/filter", json={"task_runs": only}).json()
    tasks = {task["name"]: task for task in runs}
    assert set(tasks["fit@quick"]["tags"]) == {"stage:fit", "experiment:quick", "dataset:b"}
    assert tasks["fit@quick"]["state_name"] == "Failed"
    skipped = tasks["score@quick"]["state"]
    assert (skipped["type"], skipped["name"]) == ("CANCELLED", "Not run")
    assert skipped["message"] == "needs fit@quick"
    assert api.request("GET", f"/flow_runs/{run_id}").json()["name"] == "slow, quick"


@pytest.mark.slow
def test_both_of_prefects_uis_show_tables_and_pictures(scored, tmp_path, chromium):
    home = tmp_path / "prefect"
    home.mkdir()
    with running_server(home, PREFECT_SERVER_UI_API_URL="/api") as url:
        with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
            [page] = artifacts(client, of_stages({"evaluate@digits_cnn": RAN}))
            APILogHandler().flush()
        for ui in ("", "v2/"):
            address = f"{url.removesuffix('api')}{ui}artifacts/artifact/{page['id']}"
            shown = browse(chromium, address, tmp_path / "profile").stdout
            assert len(re.findall(r'<img [^>]*src="data:image/svg', shown)) == 4
            mistakes = shown[shown.index("Worst mistakes") :]
            assert re.search(r'<table.*<img [^>]*src="data:image/png', mistakes, re.DOTALL)
