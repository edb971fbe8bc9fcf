"""The set-up that `make` starts, in folders of its own, with no package to install."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A folder with a space in its name that has what the set-up needs."""
    made = tmp_path / "a path" / "assay"
    (made / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "setup.py", made / ".ci")
    shutil.copy(ROOT / "Makefile", made)
    (made / "requirements.txt").write_text("# nothing\n")
    (made / ".dvc" / "tmp").mkdir(parents=True)
    (made / ".dvc" / "tmp" / "plots.html").touch()
    return made


def set_up(checkout):
    return subprocess.run(
        [sys.executable, ".ci/setup.py"], cwd=checkout, capture_output=True, text=True
    )


def change(checkout, old, new):
    script = checkout / ".ci" / "setup.py"
    assert old in script.read_text()
    script.write_text(script.read_text().replace(old, new))


def test_a_python_that_nothing_is_pinned_for_is_refused_in_one_line(checkout):
    change(checkout, "(3, 11), (3, 13)", "(3, 90), (3, 92)")
    refused = set_up(checkout)
    assert refused.returncode == 1
    assert "expected 3.90 to 3.92. Name another one: make PYTHON=" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_python_that_cannot_make_environments_is_refused_in_one_line(checkout):
    (checkout / ".ci" / "ensurepip.py").write_text("raise ImportError('', name='ensurepip')\n")
    refused = set_up(checkout)
    assert refused.returncode == 1
    assert "lacks 'ensurepip'" in refused.stderr
    assert "apt install python3-venv" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_an_environment_of_somebody_else_is_not_cleared(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "precious").touch()
    refused = set_up(checkout)
    assert refused.returncode == 1
    assert "'.venv' was not made by make, and is not cleared" in refused.stderr
    assert (checkout / ".venv" / "precious").exists()


@pytest.mark.slow
def test_a_failed_installation_shows_pip_and_is_not_taken_for_finished(checkout):
    (checkout / "requirements.txt").write_text("pip==1.0\n")  # without the hash
    for _ in range(2):
        failed = set_up(checkout)
        assert failed.returncode == 1
        assert "Hashes are required" in failed.stderr
        assert "the installation failed as above" in failed.stderr


@pytest.mark.slow
def test_set_up_is_done_once_anew_for_other_requirements_and_survives_a_move(checkout):
    assert set_up(checkout).stdout.splitlines()[-1] == "ready"
    assert set_up(checkout).stdout == ""

    (checkout / "requirements.txt").write_text("# nothing else\n")
    assert set_up(checkout).stdout.splitlines()[-1] == "ready"

    moved = checkout.rename(checkout.with_name("it's moved"))
    assert set_up(moved).stdout == ""
    pip = subprocess.run([moved / ".venv/bin/pip", "--version"], capture_output=True, text=True)
    assert str(moved) in pip.stdout


@pytest.mark.slow
def test_what_outlives_a_killed_set_up_is_waited_for(checkout):
    change(checkout, '"-m", "venv",', '"-c", "import time; time.sleep(4)",')  # a slow step
    first = subprocess.Popen([sys.executable, ".ci/setup.py"], cwd=checkout)
    while not (checkout / ".venv" / ".setup.log").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    first.send_signal(signal.SIGKILL)
    first.wait()
    shutil.copy(ROOT / ".ci" / "setup.py", checkout / ".ci")
    again = set_up(checkout)
    assert again.stdout.startswith("another set-up is at work on .venv: waiting for it\n")
    assert again.stdout.splitlines()[-1] == "ready"


def test_make_lists_its_targets_and_names_a_missing_python(checkout):
    listed = subprocess.run(["make"], cwd=checkout, capture_output=True, text=True).stdout
    assert {"make run", "make test", "make lint"} <= {
        line[:9].strip() for line in listed.splitlines()
    }
    refused = subprocess.run(
        ["make", "setup", "PYTHON=no-such-python"], cwd=checkout, capture_output=True, text=True
    )
    assert "no 'no-such-python' found: install Python 3.11 to 3.13" in refused.stderr
