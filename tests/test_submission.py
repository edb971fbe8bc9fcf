"""Which stages a stage has to wait for, when some of these were cancelled."""

from concurrent.futures import Future
from uuid import uuid4

from prefect.futures import PrefectConcurrentFuture
from prefect.states import Cancelled, Completed, Failed

from flows.submission import not_cancelled


def ended(state):
    """Return the future of a task that ended, and that no server has heard of."""
    future = Future()
    future.set_result(state)
    return PrefectConcurrentFuture(uuid4(), future)


def test_nobody_waits_for_a_cancelled_task_even_where_the_server_does_not_know_of_it_yet():
    completed, failed = ended(Completed()), ended(Failed())
    cancelled = ended(Cancelled(name="Not run"))
    assert not_cancelled([completed, cancelled, failed]) == [completed, failed]
