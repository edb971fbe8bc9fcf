"""How long a person waits for a command to say anything: `make bench`."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "the interpreter": ["-c", ""],
    "split --help": ["-m", "tasks.split", "--help"],
    "train --help": ["-m", "tasks.train", "--help"],
    "predict --help": ["-m", "tasks.predict", "--help"],
    "the flow's --help": ["-m", "flows.retrain", "--help"],
    "dvc status": ["-m", "dvc", "status", "--quiet"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_start(name):
    seconds = sorted(timed([sys.executable, *COMMANDS[name]]) for _ in range(5))
    print(f"\n{name:20} median {seconds[2]:.2f} s, {seconds[0]:.2f} to {seconds[-1]:.2f}, n = 5")


def timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start
