"""How stages start and end."""

import os
import signal
import subprocess
import sys

import pytest


def test_an_unknown_name_is_answered_with_the_known_ones(cli):
    done = cli("augment", "petz")
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown experiment 'petz': params.yaml has digits_knn, ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGINT])
def test_a_stage_that_is_asked_to_end_leaves_nothing_half_written(request_to_end, workspace):
    code = (
        "import time, pathlib\n"
        "from tasks.stage import replacing\n"
        "from tasks.stage.command import main\n"
        "def run(name):\n"
        "    with replacing(pathlib.Path('out')) as part:\n"
        "        part.write_text('half')\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "main(run, lambda: ['x'], 'dataset')\n"
    )
    root = os.path.dirname(os.path.dirname(__file__))
    stage = subprocess.Popen(
        [sys.executable, "-c", code, "x"],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stage.stdout.readline() == "ready\n"
    stage.send_signal(request_to_end)
    _, said = stage.communicate(timeout=30)
    assert stage.returncode == 130
    assert said == "interrupted: nothing half-written was kept.\n"
    assert [p.name for p in workspace.root.iterdir() if p.name != "data"] == ["params.yaml"]
