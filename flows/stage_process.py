"""One stage as a process: DVC, bound to the life of the flow that started it.

The flow starts this file as a script. It becomes `dvc --wait-for-lock repro --single-item
ADDRESS`: DVC holds its lock while it hashes, so others must wait; and without
`--single-item` it would lock what is upstream against the other stages that read it.
Only a process itself can ask the kernel to be told when its parent dies; so however the
flow ends, be it by `kill -9`, no training goes on behind it.
"""

import ctypes
import os
import runpy
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import psutil

GRACE_S = 3.0  # between asking a stage to end and killing it
LOOK_S = 0.1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


class Ending:
    """How a stage ends on SIGTERM: its command gets the signal, and DVC sees it fail.

    DVC itself is left alone, so that it may put down what has ended; until it begins the
    command it is looked at again and again. What takes too long is killed.
    """

    def __init__(self) -> None:
        self.began = self.asked = False
        self.deadline = 0.0

    def begin(self, *_: int | FrameType | None) -> None:
        """Answer the first SIGTERM; the one that the group gets then changes nothing."""
        self.began = True
        self.deadline = time.monotonic() + GRACE_S
        signal.signal(signal.SIGTERM, lambda *_: None)  # SIG_IGN would pass on to the command
        signal.signal(signal.SIGALRM, self.look)
        signal.setitimer(signal.ITIMER_REAL, 1e-6, LOOK_S)

    def look(self, *_: int | FrameType | None) -> None:
        """End the command once there is one; kill everything when time is up."""
        if time.monotonic() > self.deadline:
            kill_children()
            os.killpg(0, signal.SIGKILL)
        if not self.asked and has_children():
            self.asked = True  # once, for a second one could interrupt the cleaning up
            os.killpg(0, signal.SIGTERM)

    def wait(self) -> None:
        """Wait for what the command left behind; what nobody asked to end is killed."""
        with suppress(ChildProcessError):
            while True:
                if not self.began:
                    kill_children()
                os.wait()


def has_children() -> bool:
    """Say whether this process has children, ended ones included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill_children() -> None:
    """Kill what this process started, and what those left to it, in whatever session."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def write_whole() -> None:
    """Have DVC write `dvc.lock` whole or not at all.

    It writes into the file as it stands, 0.4 s for 12 experiments, and a process that is
    killed in between would leave half of it, for others to take as all there is.
    """
    from dvc.utils.serialize import _common  # late, for a flow reads this file, too

    write_in_place = _common._dump_data

    def write(path: str, *arguments: object, **options: object) -> None:
        folder, name = os.path.split(path)
        temporary = os.path.join(folder, f".{name}.{os.getpid()}.part")
        write_in_place(temporary, *arguments, **options)
        os.replace(temporary, path)

    _common._dump_data = write


def reproduce(parent: int, arguments: Sequence[str]) -> None:
    """Become DVC for one stage, bound to the life of the parent process."""
    ending = Ending()
    signal.signal(signal.SIGTERM, ending.begin)
    if sys.platform == "linux":
        control = ctypes.CDLL(None).prctl
        control(PR_SET_PDEATHSIG, signal.SIGTERM)
        control(PR_SET_CHILD_SUBREAPER, 1)  # orphans of the stage come here, to be waited for
    if os.getppid() != parent:
        raise SystemExit(128 + signal.SIGTERM)
    write_whole()
    sys.argv = ["dvc", "--wait-for-lock", "repro", "--single-item", *arguments]
    try:
        runpy.run_module("dvc", run_name="__main__")
    finally:
        ending.wait()


if __name__ == "__main__":
    reproduce(int(sys.argv[1]), sys.argv[2:])
