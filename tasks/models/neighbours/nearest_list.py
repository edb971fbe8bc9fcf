"""The k nearest found so far, ascending by distance, then by position."""

import numba
import numpy as np

FARTHEST = np.iinfo(np.int64).max  # of a place that no row has taken yet


@numba.njit(nogil=True, cache=True)
def insert(distance, position, distances, positions):
    """Put a row among the nearest, in the farthest one's stead, behind those equally far.

    Rows that come in the order of their positions are thereby ordered by them in a tie.
    """
    place = len(distances) - 1
    while place > 0 and distances[place - 1] > distance:
        distances[place] = distances[place - 1]
        positions[place] = positions[place - 1]
        place -= 1
    distances[place] = distance
    positions[place] = position
