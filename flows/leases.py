"""A lease of what only one stage of this machine may use at a time, such as a GPU.

The kernel frees it with the last process that holds it. A stage waits for its lease before it
starts, so that its `timeout_s` is its own; a run that is over waits for nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from flows.graph import Stage
from flows.lines import Log
from tasks.stage.locks import Busy, held, lease_path, named

LOOK_S = 0.5


@contextmanager
def lease(stage: Stage, over: Event, log: Log) -> Iterator[list[int]]:
    """Hold the resource that a stage asks for, once its holder lets go.

    Args:
        stage: that needs it, or needs none.
        over: the run; then the block is entered without the lease, to start nothing.
        log: takes a line if another holds it.

    Yields:
        the descriptors that the processes of the stage are to keep open.
    """
    resource = stage.care.resource
    with ExitStack() as leases:
        descriptors: list[int] = []
        told = False
        while resource and not descriptors and not over.is_set():
            path = lease_path(resource)
            try:
                what = f"{stage.address} in {Path.cwd()}"
                descriptors.append(leases.enter_context(held(path, what)))
            except Busy:
                if not told:
                    log(f"waits for '{resource}', which {named(path) or 'another process'} holds")
                told = True
                over.wait(LOOK_S)
        yield descriptors
