"""Which pairs of pictures may be near copies: those much nearer than ordinary neighbours.

Each picture's nearest others are found by a short description, as they are and mirrored, in exact
integers: all pairs are compared, which takes seconds for tens of thousands of pictures. What is
nearly as far as an ordinary neighbour is left out, as Lowe does with matches (2004,
https://doi.org/10.1023/B:VISI.0000029664.99615.94): straight strokes are all alike without
being copies.

A picture's ordinary neighbour is its 16th, unless that is a copy, too, as among the frames of a
film. For such a picture ever farther ones are asked, up to the 256th. If that is still a copy, all
of them may be, and the price is that copies beyond these are not found.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from tasks.models.neighbours.distances import Found, nearest
from tasks.params import Check
from tasks.quality.alike import alike
from tasks.quality.descriptors import descriptors, mirrored

NEIGHBOURS, MORE, MOST = 16, 4, 256  # at first, how many times as many next, and at most
PLACES = 2**20  # in lists of neighbours that are held at a time

Pairs = Int64[np.ndarray, "m 3"]  # the lower position, the higher, 1 if that is to be mirrored


def candidates(
    images: UInt8[np.ndarray, "n h w c"], params: Check, memory_mib: int
) -> tuple[Int64[np.ndarray, "m"], Int64[np.ndarray, "m"], Bool[np.ndarray, "m"]]:
    """Return pairs, the lower position first, and whether the second is to be mirrored.

    Args:
        images: pixels in 0..255, at least 3 pictures of at least 4 pixels a side.
        params: how alike copies are.
        memory_mib: that the search for neighbours holds, besides the pictures.
    """
    plain = descriptors(images)
    found: list[np.ndarray] = []
    asked, neighbours = np.arange(len(images)), NEIGHBOURS
    while len(asked):
        k = min(neighbours + 1, len(images))  # itself is the first
        last = neighbours == MOST or k == len(images)
        crowded = []
        for some in np.split(asked, range(PLACES // k, len(asked), PLACES // k)):
            turned = mirrored(plain[some], images.shape[1:])
            as_it_is, reflected = (
                nearest(described, plain, k, "L1", memory_mib=memory_mib, prune=False)
                for described in (plain[some], turned)
            )
            distances, positions = as_it_is
            upright = np.zeros(len(some), bool)
            copies = alike(images, some, positions[:, -1], upright) >= params.likeness
            limits = params.distinct * distances[:, -1]
            if last:
                limits[copies] = np.inf
            found += [close(some, as_it_is, limits, 0), close(some, reflected, limits, 1)]
            crowded.append(some[copies])
        if last:
            break
        asked, neighbours = np.concatenate(crowded), neighbours * MORE
    first, second, turn = np.unique(np.concatenate(found), axis=0).T
    return first, second, turn.astype(bool)


def close(
    asked: Int64[np.ndarray, "q"], near: Found, limits: Float64[np.ndarray, "q"], turn: int
) -> Pairs:
    """Return the pairs of pictures and their neighbours within a limit."""
    distances, positions = near
    at, place = np.nonzero(distances < limits[:, np.newaxis])
    i, j = asked[at], positions[at, place]
    pairs = np.stack([np.minimum(i, j), np.maximum(i, j), np.full(len(i), turn)], axis=1)
    return pairs[i != j]
