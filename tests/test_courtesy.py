"""What the log of a run says when something could not be shown."""

import logging

import pytest

from flows import courtesy
from tasks.stage import StageError


@pytest.mark.parametrize(("error", "traced"), [(StageError("no table"), False), (KeyError(), True)])
def test_a_run_goes_on_and_only_a_bug_keeps_its_traceback(error, traced, caplog, monkeypatch):
    monkeypatch.setattr(courtesy, "get_run_logger", lambda: logging.getLogger("run"))
    with courtesy.courtesy("the results"):
        raise error
    (line,) = caplog.records
    assert line.getMessage() == f"could not publish the results: {error}"
    assert bool(line.exc_info) is traced
