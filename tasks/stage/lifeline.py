"""A stage that DVC started ends soon after that DVC, however it ended.

A `kill -9` of DVC would leave the training that it started to write on behind the next one.
Nobody can tell a process that its parent was killed, but it can look.
"""

import os
import signal
import time
from pathlib import Path
from threading import Thread

import psutil

SHELLS = {"bash", "dash", "fish", "ksh", "sh", "zsh"}  # may stand between DVC and its command
LOOK_S = 0.5
GRACE_S = 2.5  # between asking and killing


def end_with_dvc() -> None:
    """Watch the DVC that started this process, if one did; it says so in the environment."""
    if "DVC_STAGE" in os.environ:
        Thread(target=watch, args=(starters(),), daemon=True).start()


def starters() -> list[psutil.Process]:
    """Return the parent, and up to the first that is no shell."""
    found: list[psutil.Process] = []
    for process in psutil.Process().parents():
        found.append(process)
        if Path(process.name()).name.lstrip("-") not in SHELLS:
            break
    return found


def watch(others: list[psutil.Process]) -> None:
    """Wait until one of the others is gone, then end this process."""
    while all(other.is_running() and other.status() != psutil.STATUS_ZOMBIE for other in others):
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)
