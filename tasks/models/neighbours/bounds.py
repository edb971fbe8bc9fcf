"""Bounds below the distances of queries from all rows, for one metric."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from tasks.models.neighbours.pooling import factor_for, pooled
from tasks.models.neighbours.projection import projected, rounding_share, varied
from tasks.models.neighbours.pruned import scanner
from tasks.models.neighbours.simd import ROWS
from tasks.models.neighbours.sums import Metric, padded

Images = UInt8[np.ndarray, "n h w c"]
FIRST, SECOND = 256, 1024  # bytes of a small picture, at most
COORDINATES = 158  # of a short vector
LEARNED_FROM = 1000  # images that say which coordinates vary most
NONE = np.zeros((0, 32), np.uint8)  # no closer bound


@dataclass(frozen=True, kw_only=True)
class Bounds(ABC):
    """Bounds between queries and rows: `scale * sums - slack`, and closer ones.

    Attributes:
        scale: of the first bounds.
        slack: of the first bounds, for each query.
        queries: small pictures of the queries, for a closer bound; may be none.
        rows: those of the rows.
        closer_scale: of the L1 distance of small pictures.
        closer_slack: the same.
    """

    scale: int
    slack: np.ndarray
    queries: np.ndarray
    rows: np.ndarray
    closer_scale: int
    closer_slack: int

    @abstractmethod
    def sums(self, block: slice) -> np.ndarray:
        """Return the sums of some queries with all rows, 4 bytes each: a line for each query."""


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
            slack=np.full(len(queries), lost(shape, first)),
            queries=small[0],
            rows=small[1],
            closer_scale=second**2,
            closer_slack=lost(shape, second),
            vectorised=vectorised,
        )

    def sums(self, block: slice) -> np.ndarray:
        """Return the L1 distances of the smallest pictures, int32."""
        some = padded(self.smallest_queries[block], ROWS)
        sums = np.empty((len(some), len(self.smallest_rows)), np.int32)
        scanner(vectorised=self.vectorised)(some, self.smallest_rows, sums)
        return sums


def lost(shape: tuple[int, int, int], factor: int) -> int:
    """Return by how much rounding to bytes may lower a bound."""
    tiles = -(-shape[0] // factor) * -(-shape[1] // factor) * shape[2]
    return (factor**2 - 1) * tiles


@dataclass(frozen=True, kw_only=True)
class ProjectedBounds(Bounds):
    """For L2, squared: from short vectors x and y by the cosine theorem; see `projection`.

    A row's vector is followed by half of |y|^2 and a query's, which is negative, by 1, so that
    one product gives |y|^2 / 2 - xy. It may be wrong by a share s of |x||y| + |y|^2 / 2, at most
    s (|x|^2 / 2 + |y|^2). So s |y|^2 is left out of the row's half, and s |x|^2 out of |x|^2.
    """

    short_queries: np.ndarray
    short_rows: np.ndarray

    @classmethod
    def prepare(cls, queries: Images, rows: Images) -> "ProjectedBounds":
        """Shorten all pictures."""
        kept = varied(rows[:: -(-len(rows) // LEARNED_FROM)], COORDINATES)
        share = rounding_share(len(kept) + 2, rows[0].size)
        (short_queries, of_queries), (short_rows, of_rows) = (
            projected(images, kept) for images in (queries, rows)
        )
        return cls(
            short_queries=followed(-short_queries, np.ones(len(queries))),
            short_rows=followed(short_rows, of_rows * (0.5 - share)),
            scale=2,
            slack=of_queries * (share - 1.0),
            queries=NONE,
            rows=NONE,
            closer_scale=1,
            closer_slack=0,
        )

    def sums(self, block: slice) -> np.ndarray:
        """Return the products of the vectors, float32."""
        return self.short_queries[block] @ self.short_rows.T


def followed(vectors: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return vectors, float32, with one coordinate more."""
    return np.column_stack([vectors, last.astype(np.float32)])
