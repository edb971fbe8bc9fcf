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
    turned = mirrored(plain, images.shape[1:])
    ordinary = np.zeros(len(images))
    found, asked, neighbours = [], np.arange(len(images)), NEIGHBOURS
    while len(asked):
        k = min(neighbours + 1, len(images))  # itself is the first
        as_it_is, reflected = (
            nearest(described[asked], plain, k, "L1", memory_mib=memory_mib, prune=False)
            for described in (plain, turned)
        )
        distances, positions = as_it_is
        ordinary[asked] = distances[:, -1]
        upright = np.zeros(len(asked), bool)
        crowded = asked[alike(images, asked, positions[:, -1], upright) >= params.likeness]
        last = neighbours == MOST or k == len(images)
        if last:
            ordinary[crowded] = np.inf
        for mirror, near in enumerate((as_it_is, reflected)):
            pairs = close(asked, near, params.distinct * ordinary)
            found.append(np.column_stack([pairs, np.full(len(pairs), mirror)]))
        if last:
            break
        asked, neighbours = crowded, neighbours * MORE
    first, second, turn = np.unique(np.concatenate(found), axis=0).T
    return first, second, turn.astype(bool)


def close(
    asked: Int64[np.ndarray, "q"], near: Found, limits: Float64[np.ndarray, "n"]
) -> Int64[np.ndarray, "m 2"]:
    """Return the pairs among neighbours that lie within the limit of either, lower one first."""
    distances, positions = near
    i, j = np.repeat(asked, positions.shape[1]), positions.ravel()
    chosen = (i != j) & (distances.ravel() < np.maximum(limits[i], limits[j]))
    return np.stack([np.minimum(i, j), np.maximum(i, j)], axis=1)[chosen]
