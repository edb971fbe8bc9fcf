"""The server of a run: the one that the settings name, or one of its own.

Prefect would start one by itself. Here it is started so that the signals of a terminal or of
`timeout`, which go to every process of a command, do not end it: a run that ends has to tell
its server so, and would try for minutes if that were gone.
"""

import signal
import subprocess
from typing import Any

from prefect.client.orchestration import get_client
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, PREFECT_HOME

from tasks.stage import StageError

SIGNALS = {signal.SIGINT, signal.SIGTERM}


class Server(SubprocessASGIServer):
    """A server that only its run ends. Prefect finds it, as one that it started itself."""

    def _run_uvicorn_command(self) -> subprocess.Popen[Any]:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a process begins with our mask
        try:
            return super()._run_uvicorn_command()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def stop(self) -> None:
        """End the server, which hears no gentler signal; its database bears that."""
        if self.server_process:
            self.server_process.kill()
        super().stop()


def ensure_server() -> None:
    """Start a server that ends with this process, unless the settings name one.

    Raises:
        StageError: if the named one does not answer.
    """
    url = PREFECT_API_URL.value()
    if url is not None:
        check_answer(url)
        return
    make_home()
    print("Prefect starts a server for this run; PREFECT_API_URL may name another.", flush=True)
    Server().start()


def check_answer(url: str) -> None:
    """Check that a Prefect server answers; Prefect itself would show a page of traceback."""
    try:
        with get_client(sync_client=True) as client:
            client.request("GET", "/health").json()
    except Exception as error:  # whatever httpx, JSON or the network have to say
        why = str(error).partition("\n")[0]
        raise StageError(
            f"no Prefect server answers at '{url}': {why}. Start it (prefect server start, which "
            "tells its address), or correct PREFECT_API_URL, or unset it: then a run starts one."
        ) from error


def make_home() -> None:
    """Make Prefect's folder; without one, its server would be started again and again.

    Raises:
        StageError: if it cannot be made.
    """
    home = PREFECT_HOME.value()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StageError(
            f"cannot make Prefect's folder '{home}': {error.strerror}. "
            "Set PREFECT_HOME to a folder that can be written."
        ) from error
