"""What killed processes leave in data/, and what the doctor removes of it."""

import signal
import subprocess
import sys

import pytest

from flows.doctor.leftovers import examine

from .conftest import ROOT
from .living import wait_for

WRITING = """
import sys, time
from pathlib import Path
from tasks.stage import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.mkdir()
    (temporary / "half").write_bytes(bytes(2500))
    time.sleep(300)
"""


@pytest.fixture
def writer(workspace):
    """Start a process that writes a folder of data; return it and where it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITING, "data/prepared/digits"], env={"PYTHONPATH": str(ROOT)}
    )
    temporary = workspace.root / "data" / "prepared" / f".digits.{process.pid}.part"
    wait_for((temporary / "half").exists)
    wait_for(lambda: (temporary / "half").stat().st_size == 2500)
    yield process, temporary
    process.kill()
    process.wait()


def test_nothing_left_is_said(workspace):
    assert [finding.text for finding in examine()] == ["nothing is unfinished"]


def test_what_somebody_writes_is_left_alone(writer):
    assert [finding.text for finding in examine()] == ["nothing is unfinished"]


def test_what_a_killed_process_half_wrote_is_removed(writer):
    process, temporary = writer
    process.send_signal(signal.SIGKILL)
    process.wait()
    (finding,) = examine()
    path = f"data/prepared/.digits.{process.pid}.part"
    assert finding.text.startswith(f"half-written {path}, 2 kB, whose process is gone.")
    assert temporary.exists()
    assert finding.cure() == f"removed {path}"
    assert not temporary.exists()


def test_a_file_that_only_looks_temporary_is_left_alone(workspace):
    (workspace.root / "data").mkdir(exist_ok=True)
    (workspace.root / "data" / ".notes.part").touch()
    (workspace.root / ".mine.part").touch()
    assert [finding.text for finding in examine()] == ["nothing is unfinished"]


def test_unfinished_work_is_told_with_how_to_go_on_and_kept(workspace):
    folder = workspace.root / "data" / "scratch" / "train" / "mnist_cnn"
    (folder / "0123").mkdir(parents=True)
    (folder / "0123" / "checkpoint.npz").write_bytes(bytes(1_234_567))
    (workspace.root / "data" / "scratch" / "run.lock").touch()
    (finding,) = examine()
    assert finding.text == (
        "train@mnist_cnn is unfinished: 1 MB, 0 hours old. `dvc repro train@mnist_cnn` goes on "
        "with it; if nobody wants it, remove data/scratch/train/mnist_cnn."
    )
    assert finding.cure is None
