"""Whether anything outlives a run, however it ends: `make soak`.

Each way of ending a run, again and again in one project: how many stage processes live 5 s
later, how many locks are stale, how many outputs count as done and are not.
"""

import statistics

import pytest

from tests.endings import WAYS, end, make_project

ROUNDS = 20


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left(tmp_path, server, way):
    project = make_project(tmp_path / "project")
    rounds = [end(project, server, way) for _ in range(ROUNDS)]
    processes, locks, outputs = (
        [thing for left in rounds for thing in getattr(left, kind)]
        for kind in ("processes", "locks", "outputs")
    )
    seconds = [left.seconds for left in rounds]
    print(
        f"\n{way:26} {ROUNDS} times: {len(processes)} orphans, {len(locks)} stale locks, "
        f"{len(outputs)} false outputs; last stage gone after {statistics.median(seconds):.1f} s "
        f"(median), {max(seconds):.1f} s (most)"
    )
    assert (processes, locks, outputs) == ([], [], [])
