import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from flows.care import Care
from flows.graph import Stage
from flows.leases import lease
from tasks.stage.locks import held, holder, lease_path

from .conftest import ROOT
from .living import wait_for
from .test_locks import HOLD


@pytest.fixture
def resource():
    """Return the name of a resource that only this test knows."""
    name = f"test-{os.getpid()}"
    yield name
    lease_path(name).unlink(missing_ok=True)


def stage(address, resource=None):
    return Stage(address, frozenset(), Care(resource=resource))


def test_a_stage_that_asks_for_nothing_waits_for_nothing(resource):
    with held(lease_path(resource), "another"), lease(stage("a"), threading.Event(), str) as leases:
        assert leases == []


def test_a_stage_begins_when_another_process_lets_go(resource):
    path = lease_path(resource)
    another = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT)
    wait_for(lambda: holder(path))
    lines = []
    threading.Timer(2, another.kill).start()
    with lease(stage("train", resource), threading.Event(), lines.append) as leases:
        assert another.wait() == -signal.SIGKILL
        assert len(leases) == 1
        assert holder(path).what == f"train in {os.getcwd()}"
    assert holder(path) is None
    assert len(lines) == 1
    who = rf"process {another.pid} \(another run\) since .+"
    assert re.fullmatch(rf"waits for '{resource}', which {who} holds", lines[0])


def test_a_run_that_is_over_waits_for_nothing(resource):
    over, entered = threading.Event(), []

    def use():
        with lease(stage("train", resource), over, str) as leases:
            entered.append(leases)

    with held(lease_path(resource), "another"):
        thread = threading.Thread(target=use)
        thread.start()
        time.sleep(0.2)
        assert entered == []
        over.set()
        thread.join(5)
    assert entered == [[]]
