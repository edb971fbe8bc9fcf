"""What tests see of living processes: which there are in a folder, and a patient wait."""

import time

import psutil


def commands_in(folder):
    """Return the command lines of the living processes whose folder this is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return [command for command in found if "pytest" not in " ".join(command)]


def wait_for(condition, seconds=30.0):
    """Wait until the condition holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
