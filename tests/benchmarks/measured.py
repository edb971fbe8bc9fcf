"""One piece of work in a process of its own: its seconds, and the most memory it needed."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tasks.report.readme import README, with_table
from tasks.stage import written

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
STARTER = """
import json, os, sys, time
from threading import Thread

def own(process):
    while lines := [line for line in open(f"/proc/{process}/status") if "RssAnon" in line]:
        seen.append(int(lines[0].split()[1]) / 1024)
        time.sleep(0.02)

seen, start = [0.0], time.perf_counter()
process = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
watch = Thread(target=own, args=[process], daemon=True)
watch.start()
os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
wall = time.perf_counter() - start
watch.join()
_, status, used = os.wait4(process, 0)
taken = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}
print(json.dumps({**taken, "own_mib": max(seen), "status": status}))
"""


def work(prepare: Callable[[], object], do: Callable[[object], object]) -> None:
    """Do the work, in the child, and print what it took; what `prepare` takes does not count."""
    prepared = prepare()
    wall, cpu = time.perf_counter(), time.process_time()
    do(prepared)
    taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    taken["mib"] = most_mib()
    print(json.dumps(taken))


def most_mib() -> float:
    """Return the most memory that this process held: not, as `ru_maxrss` may, its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured(module: str, *arguments: str) -> dict[str, float]:
    """Return what the work of a child took: wall and CPU seconds, MiB at most."""
    command = [sys.executable, "-m", module, *arguments]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr[-2000:]
    taken: dict[str, float] = json.loads(asked.stdout.splitlines()[-1])
    print(module, *arguments, taken, flush=True)
    return taken


def spent(command: list[str], folder: Path = ROOT) -> dict[str, float]:
    """Return what a whole process took: wall and CPU seconds, MiB at most with and without files.

    Pages of files that are mapped into memory are the system's to take back; what is the
    process's own is looked at 50 times a second. A small process starts it, for a child's most
    memory begins with that of who starts it.
    """
    starter = [sys.executable, "-c", STARTER, *command]
    asked = subprocess.run(starter, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    taken: dict[str, float] = json.loads(asked.stdout.splitlines()[-1])
    assert taken.pop("status") == 0, asked.stderr[-2000:]
    return taken


def processor() -> str:
    """Name the processor as the kernel does, and how many cores this process may use."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores, {names[0] if names else platform.machine()}"


def versions(*packages: str) -> str:
    """Name Python and some packages with their versions."""
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
    )


def write(name: str, lines: list[str]) -> None:
    """Print a table of results, and put it into the README, between its markers."""
    table = "\n".join(lines) + "\n"
    print("\n" + table)
    readme = ROOT / README
    written(readme, with_table(readme.read_text("utf-8"), table, name))
