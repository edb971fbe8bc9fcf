"""Every query compared with every row: what pruning is measured against, and falls back to.

A tile of rows stays in the second-level cache while a block of queries passes over it.
"""

from collections.abc import Callable

import numba

from tasks.models.neighbours.nearest_list import insert
from tasks.models.neighbours.sums import METRICS, Four, Metric, four

TILE_BYTES = 256 * 1024  # of rows; half of a usual second-level cache


def searcher(metric: Metric, *, vectorised: bool) -> Callable[..., None]:
    """Return the compiled search `(queries, rows, distances, positions)`, which fills the last two.

    Queries come in multiples of four.
    """
    return SEARCHERS[metric, vectorised]


def _tiled(four_sums: Four) -> Callable[..., None]:
    @numba.njit(nogil=True, cache=True)
    def search(queries, rows, distances, positions):
        last = distances.shape[1] - 1
        tile = max(TILE_BYTES // rows.shape[1], 1)
        for start in range(0, len(rows), tile):
            for q in range(0, len(queries), 4):
                for row in range(start, min(start + tile, len(rows))):
                    found = four_sums(queries, q, q + 1, q + 2, q + 3, rows, row)
                    for i, distance in enumerate(found):
                        if distance < distances[q + i, last]:
                            insert(distance, row, distances[q + i], positions[q + i])

    return search


SEARCHERS = {
    (metric, vectorised): _tiled(four(metric, vectorised=vectorised))
    for metric in METRICS
    for vectorised in (False, True)
}
