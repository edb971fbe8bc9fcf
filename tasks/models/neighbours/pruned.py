"""Search only among the rows that could be near: exact, because what is skipped is provably far.

For every row there is a bound below its distance that costs little. Rows of low bounds
are measured first; the k-th of their distances is a limit that the k nearest keep.
Then the other rows whose bound is within the limit are measured, also those at the limit,
which may come first in a tie. (Bounds that spare distances: Fukunaga and Narendra 1975,
https://doi.org/10.1109/T-C.1975.224297.)
"""

from collections.abc import Callable

import numba
import numpy as np

from tasks.models.neighbours.nearest_list import insert
from tasks.models.neighbours.sums import METRICS, Four, Metric, four

SEEDS = 16  # rows that are measured first, at least
SIDE = 8  # rows of which the least sum is known, at most
LEAST, MOST = np.iinfo(np.int32).min, np.iinfo(np.int32).max
TILE_BYTES = 192 * 1024  # of small rows, for the second-level cache


def searcher(metric: Metric, *, vectorised: bool) -> Callable[..., int]:
    """Return the compiled search of some queries among rows with bounds.

    Its arguments are (queries, rows, sums, linear, root, constants, small_queries, small_rows,
    closer_scale, closer_slack, distances, positions): it fills the last two, and returns how
    many rows it measured. A line of sums, int32, is a query's: that of a row at a distance d is
    at most `linear * d + root * sqrt(d)` and the query's constant. And d is at least
    `closer_scale` times the L1 distance of small rows, less `closer_slack`, if there are any.
    """
    return SEARCHERS[metric, vectorised]


def scanner(*, vectorised: bool) -> Callable[..., None]:
    """Return the compiled function (small_queries, small_rows, sums): all L1 distances, int32.

    Queries come in multiples of four.
    """
    return SCANNERS[vectorised]


@numba.njit(nogil=True, cache=True)
def least(sums, lowest):
    """Fill `lowest` with the least of the sums that lie as many rows apart as it is long."""
    apart = len(lowest)
    lowest[:] = sums[:apart]
    for start in range(apart, len(sums), apart):
        some = sums[start : start + apart]
        for i in range(len(some)):
            lowest[i] = some[i] if some[i] < lowest[i] else lowest[i]


@numba.njit(nogil=True, cache=True)
def between(sums, lowest, above, most, found):
    """Return the positions, in `found`, of the sums that are above a limit and within another."""
    count = 0
    for i in range(len(lowest)):  # without branches, which would be foretold wrongly
        found[count] = i
        count += lowest[i] <= most
    groups = found[:count].copy()
    count = 0
    for group in groups:
        for row in range(group, len(sums), len(lowest)):
            found[count] = row
            count += (above < sums[row]) & (sums[row] <= most)
    return found[:count]


def _measuring(exactly: Four) -> Callable[..., None]:
    @numba.njit(nogil=True, cache=True)
    def measure(rows, chosen, queries, q, distances, positions):
        """Put chosen rows among the nearest."""
        last = len(chosen) - 1
        for i in range(0, len(chosen), 4):
            a, b, c = chosen[i], chosen[min(i + 1, last)], chosen[min(i + 2, last)]
            found = exactly(rows, a, b, c, chosen[min(i + 3, last)], queries, q)
            for j, distance in enumerate(found):
                if i + j <= last and distance <= distances[-1]:
                    insert(distance, chosen[i + j], distances, positions)

    return measure


def _excluding(closer: Four) -> Callable[..., np.ndarray]:
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

    return nearer


def _searching(exactly: Four, closer: Four) -> Callable[..., int]:
    measure, nearer = _measuring(exactly), _excluding(closer)

    @numba.njit(nogil=True, cache=True)
    def search(
        queries, rows, sums, linear, root, constants, small_queries, small_rows,
        closer_scale, closer_slack, distances, positions,
    ):  # fmt: skip
        measured = 0
        count = min(len(rows), max(SEEDS, 2 * distances.shape[1]))
        lowest = np.empty(max(-(-len(rows) // SIDE), min(4 * count, len(rows))), np.int32)
        found = np.empty(len(rows) + 1, np.int32)
        for q in range(len(queries)):
            line = sums[q, : len(rows)]
            least(line, lowest)
            low = np.partition(lowest, count - 1)[count - 1]
            chosen = between(line, lowest, LEAST, low, found)
            measured += len(chosen)
            measure(rows, chosen, queries, q, distances[q], positions[q])
            limit = distances[q, -1]
            reach = min(linear * limit + root * np.sqrt(limit) + constants[q], MOST)
            chosen = between(line, lowest, low, np.int32(np.floor(reach)), found)
            if len(small_rows):
                chosen = nearer(
                    small_rows, chosen, small_queries, q, closer_scale, closer_slack, limit
                )
            measured += len(chosen)
            measure(rows, chosen, queries, q, distances[q], positions[q])
        return measured

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
