"""How long a person waits for a command to say anything, and what its process costs."""

import statistics
import subprocess
import sys

import pytest

from tests.benchmarks.measured import ENVIRONMENT, ROOT, processor, spent, versions, write

VERBS = sorted(p.stem for p in (ROOT / "tasks").glob("*.py") if p.stem not in {"__init__"})
COMMANDS = {
    "the interpreter": ["-c", ""],
    **{f"{verb} --help": ["-m", f"tasks.{verb}", "--help"] for verb in VERBS},
    "the flow's --help": ["-m", "flows.retrain", "--help"],
    "dvc --version": ["-m", "dvc", "--version"],
    "dvc status": ["-m", "dvc", "status"],
}
ROUNDS = 5
HEAVY = ("tensorflow", "keras", "numba", "pandas", "scipy", "sklearn")


def imported(arguments):
    """Return which heavy packages a command imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    names = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    return [name for name in HEAVY if name in names]


@pytest.mark.timeout(900)
def test_start():
    lines = [
        f"Seconds from the call to the end, {processor()};",
        f"{versions('numpy', 'pydantic', 'dvc')}. Medians of {ROUNDS}.",
        "",
        "| command | CPU s | wall s | MiB | imports |",
        "|---|--:|--:|--:|---|",
    ]
    for name, arguments in COMMANDS.items():
        command = [sys.executable, *arguments]
        rounds = [spent(command) for _ in range(ROUNDS)]
        cpu, wall, mib = (statistics.median(r[u] for r in rounds) for u in ("cpu", "wall", "mib"))
        heavy = imported(arguments)
        assert "tensorflow" not in heavy
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {mib:,.0f} | {', '.join(heavy)} |")
    write("start", lines)
