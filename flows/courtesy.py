"""What a run does for those who watch it must never cost it its work."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger

from tasks.stage import StageError


@contextmanager
def courtesy(what: str) -> Iterator[None]:
    """Let the run go on whatever goes wrong in the block; its log says what and where a bug is."""
    try:
        yield
    except Exception as error:
        bug = not isinstance(error, StageError)
        get_run_logger().warning("could not publish %s: %s", what, error, exc_info=bug)
