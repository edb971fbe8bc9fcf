import subprocess
import sys
import threading
from contextvars import copy_context

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.progress import LINE, progress_shown

from .conftest import ROOT

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Prefect's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Prefect's connections
]

TRAINING = """
from tasks import stage

stage.PLAIN_PROGRESS_S = 0
with stage.progress("epochs", 2000) as advance:
    advance(500)
    advance(1000)
"""
EPOCH = "epoch 2/12 at 8 px: train loss 1.2 accuracy 0.5, val loss 1.1 accuracy 0.6"


def told_by_a_stage():
    """Return the progress lines of a real stage process."""
    stage = subprocess.run(
        [sys.executable, "-c", TRAINING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return stage.stderr.splitlines()


def test_the_lines_of_a_stage_tell_its_progress():
    first, second = told_by_a_stage()
    assert LINE.fullmatch(first).groups() == ("500", "2,000")
    assert LINE.fullmatch(second).groups() == ("1,500", "2,000")
    assert LINE.fullmatch(EPOCH) is None


@task(cache_policy=NO_CACHE)
def stage(lines, between):
    """Read lines as a flow does: in another thread, in the context of the task."""
    with progress_shown("train@pets", lambda _: None) as log:
        for line in lines:
            reader = threading.Thread(target=copy_context().run, args=(log, line))
            reader.start()
            reader.join()
            between()


def artifacts(api, run_id):
    """Return what a flow run has published."""
    only = {"flow_run_id": {"any_": [str(run_id)]}}
    return api.request("POST", "/artifacts/filter", json={"artifacts": only}).json()


@pytest.fixture
def shown(api):
    """Return a function that runs a stage, and returns its progress after each line and at last."""

    def run(lines):
        seen = []

        def look(run_id):
            found = artifacts(api, run_id)
            assert all(a["task_run_id"] for a in found)
            seen.append([(a["type"], a["data"], a["description"]) for a in found])

        @flow
        def training():
            stage(lines, lambda: look(flow_run.id))
            return flow_run.id

        look(training())
        return seen

    return run


def test_one_artifact_of_the_task_follows_the_stage(shown):
    seen = shown([EPOCH, *told_by_a_stage()])
    assert seen == [
        [],
        [("progress", 25, "train@pets, epochs: 500 of 2,000, 0 s left")],
        [("progress", 75, "train@pets, epochs: 1,500 of 2,000, 0 s left")],
        [("progress", 100, "train@pets, done")],
    ]


def test_a_stage_that_tells_of_no_progress_shows_none(shown):
    assert shown([EPOCH, "files: 0 of 0, 0 s left"]) == [[], [], []]


def test_more_than_all_is_all(shown):
    assert shown(["KiB: 12 of 11, 0 s left"])[0][0][:2] == ("progress", 100)


def test_progress_that_cannot_be_shown_costs_the_stage_nothing(api, caplog):
    """Somebody deletes the artifact in the middle."""

    @flow
    def training():
        def delete():
            for artifact in artifacts(api, flow_run.id):
                api.request("DELETE", f"/artifacts/{artifact['id']}")

        stage([f"epochs: {done} of 3, 0 s left" for done in (1, 2, 3)], delete)
        return flow_run.id

    assert artifacts(api, training()) == []
    assert caplog.text.count("could not publish the progress: ") == 1
