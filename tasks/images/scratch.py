"""Memory that a thread uses again for each picture: fresh pages cost as much as work on them."""

from threading import local

import numpy as np

MOST = 2**24  # bytes; for more, each use gets its own and gives it back

_own = local()


def scratch(what: str, size: int) -> np.ndarray:
    """Return `size` bytes, uint8, which are this thread's until it asks again for the same."""
    if size > MOST:
        return np.empty(size, np.uint8)
    kept: np.ndarray | None = getattr(_own, what, None)
    if kept is None or len(kept) < size:
        kept = np.empty(size, np.uint8)
        setattr(_own, what, kept)
    return kept[:size]
