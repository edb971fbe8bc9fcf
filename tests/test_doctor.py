"""The command as a whole, on a project with something wrong in it."""

import json
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from flows.doctor.__main__ import CHECKS, conclusion, done, mend
from flows.doctor.finding import Finding
from tasks.stage import StageError

from .conftest import ROOT


@pytest.fixture
def ill(workspace):
    """Make a project that a killed DVC left, with a source that is nowhere."""
    subprocess.run(["git", "init", "--quiet"], check=True)
    (workspace.root / ".dvc" / "tmp").mkdir(parents=True)
    dead = subprocess.Popen(["true"])
    dead.wait()
    entry = {"pid": dead.pid, "cmd": "dvc repro"}
    (workspace.root / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {"/x": entry}}))
    workspace.write_params(
        {
            "datasets": {
                "pets": {
                    "title": "Pets",
                    "source": {"kind": "local", "watch": "photos", "max_unpacked_mib": 1},
                    "prepare": PREPARE,
                    "labels": "data/labels/none.csv",
                    "split": {"seed": 0, "val": 0.2, "test": 0.2},
                    "check": {
                        "leaks": "warn",
                        "likeness": 0.85,
                        "distinct": 0.85,
                        "faint": 5.0,
                        "outlier": 6.0,
                        "imbalance": 3.0,
                    },
                }
            }
        }
    )
    return workspace


PREPARE = {
    "reader": "image_folder",
    "height": 8,
    "width": 8,
    "channels": 3,
    "max_pixels": 100,
    "max_quarantined": 0.1,
}


def doctor(*arguments, **environment):
    """Run the command; return its status, and its lines without indentation."""
    known = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    asked = subprocess.run(
        [sys.executable, "-m", "flows.doctor", *arguments],
        env={**known, "PYTHONPATH": str(ROOT), "COLUMNS": "60", **environment},
        capture_output=True,
        encoding="utf-8",
    )
    assert asked.stderr == ""
    return asked.returncode, [line.strip() for line in asked.stdout.splitlines()]


def lines(found, word):
    return [line.partition(" ")[2].strip() for line in found if line.startswith(f"{word} ")]


@pytest.mark.timeout(600)
def test_it_looks_without_touching_and_then_mends_what_is_safe(ill):
    rwlock, config = ill.root / ".dvc" / "tmp" / "rwlock", ill.root / ".git" / "config"
    before = rwlock.read_bytes(), config.read_bytes()
    status, found = doctor(PREFECT_API_URL="http://127.0.0.1:9/api")
    assert status == 1
    assert [line for line in found if line in CHECKS] == list(CHECKS)
    assert re.search(r"TensorFlow 2\.\d+\.\d+ runs on CPU:0", "\n".join(found))
    no_server, no_pets = lines(found, "wrong")
    assert no_server.startswith("no Prefect server answers at 'http://127.0.0.1:9/api'")
    assert no_pets.startswith("pets: nowhere (photos: no such file)")
    assert re.fullmatch(r"2 of \d+ findings are wrong; --fix mends 2\.", found[-1])
    assert (rwlock.read_bytes(), config.read_bytes()) == before

    (ill.root / "photos").mkdir()
    status, found = doctor("--fix")
    assert status == 0
    told_git, forgot = lines(found, "fixed")
    assert told_git == "told git to merge dvc.lock by stages"
    assert forgot.endswith(" in .dvc/tmp/rwlock")
    assert found[-1] == "Nothing is wrong."
    assert json.loads(rwlock.read_bytes()) == {"write": {}}
    assert '[merge "dvc"]' in config.read_text()


def test_what_keeps_a_check_from_looking_is_a_finding(workspace):
    (workspace.root / "params.yaml").write_text("threads: [")
    (finding,) = done(CHECKS["Disk"])
    assert (finding.state, finding.cure) == ("wrong", None)
    assert finding.text.startswith("params.yaml:1: not valid YAML")


def test_a_cure_that_fails_is_told_and_does_not_count(capsys):
    def refuse():
        raise StageError("somebody is at work")

    assert not mend(Finding("wrong", "a thing", refuse), Console())
    assert "left  somebody is at work" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["ok", "note"], "Nothing is wrong."),
        (["ok", "wrong", "wrong"], "2 of 3 findings are wrong."),
    ],
)
def test_the_last_line_says_how_it_stands(states, expected):
    findings = [Finding(state, str(i)) for i, state in enumerate(states)]
    assert conclusion(findings, set()) == expected


def test_help_starts_at_once_and_without_prefect(workspace):
    command = [sys.executable, "-X", "importtime", "-m", "flows.doctor", "--help"]
    asked = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert "--fix" in asked.stdout
    assert not re.search(r"\| +(prefect|tensorflow|keras|dvc)$", asked.stderr, re.MULTILINE)
