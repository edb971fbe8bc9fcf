"""A real Prefect server: one for all tests, and one of its own for a test that needs it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress

import pytest

from .living import wait_for


@contextmanager
def running_server(home, *options, **environment):
    """Start a Prefect server with a database of its own; yield the address of its API.

    Args:
        home: a folder for its database and its log.
        options: of `prefect server start`, such as `--no-ui`.
        environment: more variables for it.
    """
    port = free_port()
    environment = {**os.environ, "PREFECT_HOME": str(home), "DO_NOT_TRACK": "1", **environment}
    environment.pop("PREFECT_API_URL", None)
    start = ["-m", "prefect", "server", "start", "--port", str(port), "--analytics-off"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *start, *options],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_for(lambda: answers(f"{url}/health"), seconds=240)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def common_server(tmp_path_factory):
    """Start one Prefect server for all tests; return its folder and the address of its API."""
    home = tmp_path_factory.mktemp("prefect")
    with running_server(home, "--no-ui") as url:
        yield home, url


@pytest.fixture
def server(common_server):
    """Return the address of the common server's API; fail with its last words if it is gone."""
    home, url = common_server
    try:
        wait_for(lambda: answers(f"{url}/health"), seconds=30)
    except AssertionError:
        said = (home / "log").read_text()[-2000:] if home.exists() else "its folder is gone, too"
        pytest.fail(f"the tests' Prefect server no longer answers: {said}", pytrace=False)
    return url


@pytest.fixture
def api(server):
    """Use the server from this process, and return a client of it."""
    # here, for importing Prefect takes a second that most tests need not wait
    from prefect.client.orchestration import get_client
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server}), get_client(sync_client=True) as client:
        yield client
        APILogHandler().flush()  # while the server is there
