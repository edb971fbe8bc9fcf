"""What a run costs beyond its stages, at both doors: `make bench`.

Seconds belong to a machine and what else it does; all are taken in turn, so that their
ratios can be compared.
"""

import os
import statistics
import subprocess
import sys
import time

import pytest
import yaml

from tests.conftest import ROOT

ROUNDS = 5
STAGES = 24
DVC = [sys.executable, "-m", "dvc"]
EMPTY = "from prefect import flow; flow(lambda: 0, name='empty')()"
RETRAIN = "from flows.retrain import retrain; assert retrain({}return_state=True).is_completed()"
COMMANDS = {
    "dvc status": [*DVC, "status"],
    "dvc repro, nothing to do": [*DVC, "repro"],
    "python -m flows.retrain, nothing to do": [sys.executable, "-m", "flows.retrain"],
    "an empty flow": [sys.executable, "-c", EMPTY],
    "the flow, nothing to do": [sys.executable, "-c", RETRAIN.format("")],
    "dvc repro, 24 trivial stages": [*DVC, "repro", "--force"],
    "the flow, 24 trivial stages": [sys.executable, "-c", RETRAIN.format("force=True, ")],
}


@pytest.fixture
def trivial(project):
    """Make a project of stages that do next to nothing, none of which needs another."""
    stage = {"cmd": "echo ${item} > t${item}", "deps": ["photos"], "outs": ["t${item}"]}
    stages = {"trivial": {"foreach": list(range(STAGES)), "do": stage}}
    (project.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    project.dvc("repro")
    return project


@pytest.mark.timeout(1800)
def test_what_a_run_costs_beyond_its_stages(trivial, server):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server}
    rounds = [
        {name: seconds(command, environment) for name, command in COMMANDS.items()}
        for _ in range(ROUNDS)
    ]
    median = {name: statistics.median(each[name] for each in rounds) for name in COMMANDS}
    print(f"\n{STAGES} stages, {ROUNDS} rounds: median, least and most seconds")
    for name in COMMANDS:
        times = [each[name] for each in rounds]
        print(f"{name:40} {median[name]:6.2f} {min(times):6.2f} {max(times):6.2f}")
    beyond = [e["the flow, nothing to do"] - e["an empty flow"] - e["dvc status"] for e in rounds]
    print(f"the flow beyond an empty one and dvc status: {statistics.median(beyond):.2f} s")
    for door in ("dvc repro", "the flow"):
        more = median[f"{door}, {STAGES} trivial stages"] - median[f"{door}, nothing to do"]
        print(f"{door}: {more / STAGES:.2f} s for each stage")


def seconds(command, environment):
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start
