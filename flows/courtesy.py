"""What a run does for those who watch it must never cost it its work."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger


@contextmanager
def courtesy(what: str) -> Iterator[None]:
    """Let the run go on whatever goes wrong in the block; its log says what and where."""
    try:
        yield
    except Exception as error:
        get_run_logger().warning("could not publish %s: %s", what, error, exc_info=True)
