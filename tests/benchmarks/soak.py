"""Whether anything outlives a run, however it ends: `make soak`.

Each way of ending a run, again and again in one project: how many stage processes live 5 s
later, how many locks are stale, how many outputs count as done and are not.
"""

import statistics

import pytest

from tests.endings import WAYS, end, make_project

ROUNDS = 20


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left(tmp_path, server, way):
    project = make_project(tmp_path / "project")
    rounds = []
    try:
        while len(rounds) < ROUNDS:
            rounds.append(end(project, server, way))
    finally:  # what was counted before an interruption counts
        print(f"\n{way:26} {summary(rounds)}")
    assert all(not (left.processes or left.locks or left.outputs) for left in rounds)


def summary(rounds):
    """Count in one line what some rounds left."""
    kinds = {"processes": "orphans", "locks": "stale locks", "outputs": "false outputs"}
    counts = [f"{sum(len(getattr(r, kind)) for r in rounds)} {kinds[kind]}" for kind in kinds]
    seconds = [left.seconds for left in rounds] or [float("nan")]
    gone = f"{statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (most)"
    return f"{len(rounds)} times: {', '.join(counts)}; last stage gone after {gone}"
