"""The k nearest found so far, ascending by distance, then by position."""

import numba
import numpy as np

FARTHEST = np.iinfo(np.int64).max  # of a place that no row has taken yet


@numba.njit(nogil=True, cache=True)
def insert(distance, position, distances, positions):
    """Put a row among the nearest, in the last one's stead, unless it comes behind that."""
    place = len(distances) - 1
    if not before(distance, position, distances[place], positions[place]):
        return
    while place > 0 and before(distance, position, distances[place - 1], positions[place - 1]):
        distances[place] = distances[place - 1]
        positions[place] = positions[place - 1]
        place -= 1
    distances[place] = distance
    positions[place] = position


@numba.njit(nogil=True, cache=True)
def before(distance, position, other, its_position):
    """Say whether a row comes before another."""
    return distance < other or (distance == other and position < its_position)
