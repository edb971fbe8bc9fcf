import pytest

from .endings import WAYS, end, make_project

QUICK = "kill -9 of dvc repro"


@pytest.mark.parametrize(
    "way", [pytest.param(w, marks=[] if w == QUICK else pytest.mark.slow) for w in WAYS]
)
def test_within_five_seconds_no_process_is_left_no_lock_and_no_half_output(tmp_path, server, way):
    left = end(make_project(tmp_path / "project"), server, way)
    assert (left.processes, left.locks, left.outputs) == ([], [], [])
