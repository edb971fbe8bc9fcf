"""Bounds below the distances of queries from all rows, for one metric."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float64, UInt8

from tasks.models.neighbours.pooling import factor_for, pooled
from tasks.models.neighbours.projection import projected, rounding_share, varied
from tasks.models.neighbours.pruned import scanner
from tasks.models.neighbours.simd import ROWS
from tasks.models.neighbours.sums import Metric, padded

Images = UInt8[np.ndarray, "n h w c"]
FIRST, SECOND = 256, 1024  # bytes of a small picture, at most
COORDINATES = 191  # of a short vector
LEARNED_FROM = 1000  # images that say which coordinates vary most
NONE = np.zeros((0, 32), np.uint8)  # no closer bound


@dataclass(frozen=True, kw_only=True)
class Bounds(ABC):
    """Bounds between queries and rows: `scale * sums - slack`, and closer ones.

    Attributes:
        scale: of the first bounds.
        slack: of the first bounds.
        queries: small pictures of the queries, for a closer bound; may be none.
        rows: those of the rows.
        closer_scale: of the L1 distance of small pictures.
        closer_slack: the same.
    """

    scale: int
    slack: int
    queries: np.ndarray
    rows: np.ndarray
    closer_scale: int
    closer_slack: int

    @abstractmethod
    def between(self, block: slice) -> np.ndarray:
        """Return what `sums` needs of some queries, for all rows: 4 bytes for each pair."""

    @abstractmethod
    def sums(self, block: slice, q: int, between: np.ndarray) -> np.ndarray:
        """Return the sums of one of these queries."""


def bounds(queries: Images, rows: Images, metric: Metric, *, vectorised: bool) -> Bounds:
    """Prepare the bounds of a metric."""
    if metric == "L1":
        return PooledBounds.prepare(queries, rows, vectorised=vectorised)
    return ProjectedBounds.prepare(queries, rows)


@dataclass(frozen=True, kw_only=True)
class PooledBounds(Bounds):
    """For L1: from small pictures, and closer ones from less small pictures; see `pooling`."""

    smallest_queries: np.ndarray
    smallest_rows: np.ndarray
    vectorised: bool

    @classmethod
    def prepare(cls, queries: Images, rows: Images, *, vectorised: bool) -> "PooledBounds":
        """Shrink all pictures."""
        shape = rows.shape[1:]
        first, second = factor_for(shape, FIRST), factor_for(shape, SECOND)
        small = [NONE, NONE]
        if 1 < second < first:
            small = [padded(pooled(images, second)) for images in (queries, rows)]
        return cls(
            smallest_queries=padded(pooled(queries, first)),
            smallest_rows=padded(pooled(rows, first)),
            scale=first**2,
            slack=lost(shape, first),
            queries=small[0],
            rows=small[1],
            closer_scale=second**2,
            closer_slack=lost(shape, second),
            vectorised=vectorised,
        )

    def between(self, block: slice) -> np.ndarray:
        """Return the L1 distances of the smallest pictures, int32."""
        some = padded(self.smallest_queries[block], ROWS)
        sums = np.empty((len(some), len(self.smallest_rows)), np.int32)
        scanner(vectorised=self.vectorised)(some, self.smallest_rows, sums)
        return sums

    def sums(self, block: slice, q: int, between: np.ndarray) -> np.ndarray:
        """Return those of one query."""
        return between[q]


def lost(shape: tuple[int, int, int], factor: int) -> int:
    """Return by how much rounding to bytes may lower a bound."""
    squares = -(-shape[0] // factor) * -(-shape[1] // factor) * shape[2]
    return (factor**2 - 1) * squares


@dataclass(frozen=True, kw_only=True)
class ProjectedBounds(Bounds):
    """For L2, squared: from short vectors; see `projection`."""

    short_queries: np.ndarray
    short_rows: np.ndarray
    squares_of_queries: np.ndarray
    squares_of_rows: np.ndarray

    @classmethod
    def prepare(cls, queries: Images, rows: Images) -> "ProjectedBounds":
        """Shorten all pictures."""
        kept = varied(rows[:: -(-len(rows) // LEARNED_FROM)], COORDINATES)
        return cls(
            short_queries=projected(queries, kept),
            short_rows=projected(rows, kept),
            squares_of_queries=squares(queries),
            squares_of_rows=squares(rows),
            scale=1,
            slack=0,
            queries=NONE,
            rows=NONE,
            closer_scale=1,
            closer_slack=0,
        )

    def between(self, block: slice) -> np.ndarray:
        """Return the products of the short vectors, float32."""
        return self.short_queries[block] @ self.short_rows.T

    def sums(self, block: slice, q: int, between: np.ndarray) -> np.ndarray:
        """Return the bounds themselves, float64."""
        square = self.squares_of_queries[block][q]
        share = rounding_share(self.short_rows.shape[1])
        return below(square, self.squares_of_rows, between[q], share)


@numba.njit(nogil=True, cache=True)
def below(square, squares, products, share):
    """Return the squared distances by the cosine theorem, less what rounding may have added."""
    return square + squares - 2.0 * (products + share * np.sqrt(square * squares))


def squares(images: Images) -> Float64[np.ndarray, "n"]:
    """Return the squared lengths of images as vectors; whole numbers below 2**53."""
    flat = images.reshape(len(images), -1)
    out = np.empty(len(flat))
    for start in range(0, len(flat), LEARNED_FROM):
        some = flat[start : start + LEARNED_FROM].astype(np.float64)
        out[start : start + LEARNED_FROM] = np.einsum("nd,nd->n", some, some)
    return out
