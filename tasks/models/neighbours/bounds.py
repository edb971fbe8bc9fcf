"""Bounds below the distances of queries from all rows, for one metric."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from tasks.models.neighbours.pooling import factor_for, pooled
from tasks.models.neighbours.products import SIDE, multiplier, packed
from tasks.models.neighbours.projection import projection, shortened
from tasks.models.neighbours.pruned import scanner
from tasks.models.neighbours.simd import ROWS
from tasks.models.neighbours.sums import Metric, padded

Images = UInt8[np.ndarray, "n h w c"]
FIRST, SECOND = 256, 1024  # bytes of a small picture, at most
COORDINATES = 175  # of a short vector, besides the length of the rest
LEARNED_FROM = 256  # images that say which coordinates vary most
NONE = np.zeros((0, 32), np.uint8)  # no closer bound


@dataclass(frozen=True, kw_only=True)
class Bounds(ABC):
    """Bounds between queries and rows.

    The sum of two at a distance d is at most `linear * d + root * sqrt(d)` and the constant of
    the query.

    Attributes:
        linear: the same for all.
        root: the same for all.
        constants: one for each query.
        queries: small pictures of the queries, for a closer bound; may be none.
        rows: those of the rows.
        closer_scale: of the L1 distance of small pictures.
        closer_slack: the same.
    """

    linear: float
    root: float
    constants: np.ndarray
    queries: np.ndarray
    rows: np.ndarray
    closer_scale: int
    closer_slack: int

    @abstractmethod
    def sums(self, block: slice) -> np.ndarray:
        """Return the sums of some queries with all rows, int32: a line for each query."""


def bounds(queries: Images, rows: Images, metric: Metric, *, vectorised: bool) -> Bounds:
    """Prepare the bounds of a metric."""
    if metric == "L1":
        return PooledBounds.prepare(queries, rows, vectorised=vectorised)
    return ProjectedBounds.prepare(queries, rows, vectorised=vectorised)


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
            linear=1 / first**2,
            root=0.0,
            constants=np.full(len(queries), lost(shape, first) / first**2),
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
    """For L2, squared: from short vectors x and y of integers by the cosine theorem.

    A sum is |y|^2 / 2, rounded down, less xy. With |x|^2 / 2 that is half of |x - y|^2, whose
    root is at most that of a distance times the projection's scale, and what rounding moved.
    """

    short_queries: np.ndarray
    packed_rows: np.ndarray
    starts: np.ndarray
    vectorised: bool

    @classmethod
    def prepare(cls, queries: Images, rows: Images, *, vectorised: bool) -> "ProjectedBounds":
        """Shorten all pictures."""
        by = projection(rows[:: -(-len(rows) // LEARNED_FROM)], COORDINATES)
        short_queries, short_rows = (
            shortened(images, by, vectorised=vectorised) for images in (queries, rows)
        )
        packed_rows = packed(short_rows)
        starts = np.zeros(len(packed_rows) * SIDE, np.int32)
        starts[: len(rows)] = lengths(short_rows) // 2
        return cls(
            short_queries=-short_queries,
            packed_rows=packed_rows,
            starts=starts,
            vectorised=vectorised,
            linear=by.scale**2 / 2,
            root=by.scale * np.sqrt(by.moved()),
            constants=(by.moved() - lengths(short_queries)) / 2,
            queries=NONE,
            rows=NONE,
            closer_scale=1,
            closer_slack=0,
        )

    def sums(self, block: slice) -> np.ndarray:
        """Return the products of the vectors, int32."""
        some = padded(self.short_queries[block], ROWS)
        sums = np.empty((len(some), len(self.starts)), np.int32)
        multiplier(vectorised=self.vectorised)(some, self.packed_rows, self.starts, sums)
        return sums


def lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the squared lengths of vectors, int64."""
    return np.einsum("nm,nm->n", vectors, vectors, dtype=np.int64)
