"""Search only among the rows that could be near: exact, because what is skipped is provably far.

For every row there is a bound below its distance that costs little. Rows of low bounds
are measured first; the k-th of their distances is a limit that the k nearest keep.
Then the rows whose bound is within the limit are measured in order, also those at the limit,
which may come first in a tie. (Bounds that spare distances: Fukunaga and Narendra 1975,
https://doi.org/10.1109/T-C.1975.224297.)
"""

from collections.abc import Callable

import numba
import numpy as np

from tasks.models.neighbours.nearest_list import FARTHEST, insert
from tasks.models.neighbours.sums import METRICS, Four, Metric, four

SEEDS = 16  # rows that are measured first, at least
TILE_BYTES = 192 * 1024  # of small rows, for the second-level cache


def searcher(metric: Metric, *, vectorised: bool) -> Callable[..., int]:
    """Return the compiled search of one query among rows with bounds.

    Its arguments are (queries, q, rows, sums, scale, slack, small_queries, small_rows,
    closer_scale, closer_slack, distances, positions): it fills the last two, and returns how
    many rows it measured. `scale * sums - slack` bounds the distances. So does `closer_scale`
    times the L1 distance of the small rows, less `closer_slack`, if there are small rows.
    """
    return SEARCHERS[metric, vectorised]


def scanner(*, vectorised: bool) -> Callable[..., None]:
    """Return the compiled function (small_queries, small_rows, sums): all L1 distances, int32.

    Queries come in multiples of four.
    """
    return SCANNERS[vectorised]


@numba.njit(nogil=True, cache=True)
def low(sums, count):
    """Return the positions of `count` low sums, or of all.

    Of the sums that lie so many rows apart, the least; of these, the least again. They are
    nearly the least of all, and compilers make vectors of the search.
    """
    apart = min(4 * count, len(sums))
    value, found = sums[:apart].copy(), np.arange(apart).astype(np.int32)
    for start in range(apart, len(sums), apart):
        some = sums[start : start + apart]
        for i in range(len(some)):
            lower = some[i] < value[i]
            value[i] = some[i] if lower else value[i]
            found[i] = np.int32(start + i) if lower else found[i]
    return found[np.argsort(value)[:count]]


@numba.njit(nogil=True, cache=True)
def within(sums, limit):
    """Return the positions of the sums within a limit, ascending."""
    found, count = np.empty(len(sums), np.int64), 0
    for row in range(len(sums)):
        found[count] = row
        count += sums[row] <= limit
    return found[:count]


def _searching(exactly: Four, closer: Four) -> Callable[..., int]:
    @numba.njit(nogil=True, cache=True)
    def measure(rows, chosen, queries, q, distances, positions):
        """Put chosen rows, in this order, among the nearest."""
        last = len(chosen) - 1
        for i in range(0, len(chosen), 4):
            a, b, c = chosen[i], chosen[min(i + 1, last)], chosen[min(i + 2, last)]
            found = exactly(rows, a, b, c, chosen[min(i + 3, last)], queries, q)
            for j, distance in enumerate(found):
                if i + j <= last and distance < distances[-1]:
                    insert(distance, chosen[i + j], distances, positions)

    @numba.njit(nogil=True, cache=True)
    def nearer(small_rows, chosen, small_queries, q, scale, slack, limit):
        """Leave out the rows that the closer bound rules out."""
        last, count = len(chosen) - 1, 0
        for i in range(0, len(chosen), 4):
            a, b, c = chosen[i], chosen[min(i + 1, last)], chosen[min(i + 2, last)]
            d = chosen[min(i + 3, last)]
            found = closer(small_rows, a, b, c, d, small_queries, q)
            for j, total in enumerate(found):
                if i + j <= last and scale * total - slack <= limit:
                    chosen[count] = chosen[i + j]
                    count += 1
        return chosen[:count]

    @numba.njit(nogil=True, cache=True)
    def search(
        queries, q, rows, sums, scale, slack, small_queries, small_rows, closer_scale,
        closer_slack, distances, positions,
    ):  # fmt: skip
        seeds = low(sums, min(len(rows), max(SEEDS, 2 * len(distances))))
        measure(rows, seeds, queries, q, distances, positions)
        limit = distances[-1]
        chosen = within(sums, (limit + slack) / scale)
        if len(small_rows):
            chosen = nearer(small_rows, chosen, small_queries, q, closer_scale, closer_slack, limit)
        distances[:] = FARTHEST
        measure(rows, chosen, queries, q, distances, positions)
        return len(seeds) + len(chosen)

    return search


def _scanning(closer: Four) -> Callable[..., None]:
    @numba.njit(nogil=True, cache=True)
    def scan(small_queries, small_rows, sums):
        tile = max(TILE_BYTES // small_rows.shape[1], 1)
        for start in range(0, len(small_rows), tile):
            for q in range(0, len(small_queries), 4):
                for row in range(start, min(start + tile, len(small_rows))):
                    found = closer(small_queries, q, q + 1, q + 2, q + 3, small_rows, row)
                    for i, total in enumerate(found):
                        sums[q + i, row] = total

    return scan


SEARCHERS = {
    (metric, vectorised): _searching(
        four(metric, vectorised=vectorised), four("L1", vectorised=vectorised)
    )
    for metric in METRICS
    for vectorised in (False, True)
}
SCANNERS = {v: _scanning(four("L1", vectorised=v)) for v in (False, True)}
