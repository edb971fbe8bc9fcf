"""Inner products of vectors of 16-bit integers, without loss.

`vpmaddwd` multiplies 16 pairs of such numbers and adds up neighbours, at twice the rate of
products of floats. Sixteen rows lie side by side, two coordinates of each, then the next two
of each: so a lane of a register belongs to one row, and lanes are never added up. Four
queries at a time use what was loaded; eight registers hold the sums of the 4 x 16 pairs.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from jaxtyping import Int16
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from tasks.models.neighbours.simd import I32, I64, INTS, ROWS, SHORTS

SIDE = 16  # rows that lie side by side
PAIRS = 256  # of coordinates at a time: 16 KiB of the rows, which the first-level cache keeps
TILE = [(query, half) for query in range(ROWS) for half in (0, 32)]  # halves, in bytes


def multiplier(*, vectorised: bool) -> Callable[..., None]:
    """Return the compiled function (queries, packed_rows, starts, sums).

    It fills `sums`, int32, with the products, added to `starts`, one for each row. Queries,
    int16, come in multiples of four. The caller sees to it that no sum of some of the
    products, and the start, leaves the range of int32.
    """
    return MULTIPLIERS[vectorised]


def packed(rows: Int16[np.ndarray, "n d"]) -> Int16[np.ndarray, "groups pairs 16 2"]:
    """Return rows side by side, filled up with zeros."""
    n, d = rows.shape
    rows = np.pad(rows, ((0, -n % SIDE), (0, d % 2)))
    return np.ascontiguousarray(rows.reshape(-1, SIDE, rows.shape[1] // 2, 2).swapaxes(1, 2))


def _codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:  # noqa: ANN401
    query, query_size, row, pairs, start, start_size, total, total_size = args
    kind = ir.FunctionType(INTS, [SHORTS, SHORTS])
    pmadd = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx2.pmadd.wd")

    def at(base: ir.Value, i: int, size: ir.Value, more: int | ir.Value, kind: ir.Type) -> ir.Value:
        more = ir.Constant(I64, more) if isinstance(more, int) else more
        line = builder.add(base, builder.mul(ir.Constant(I64, i), size))
        return builder.inttoptr(builder.add(line, more), kind.as_pointer())

    starts = [builder.load(at(start, i, start_size, half, INTS), align=4) for i, half in TILE]
    before = builder.block
    loop, after = (builder.append_basic_block(name) for name in ("multiply", "multiplied"))
    builder.branch(loop)
    builder.position_at_end(loop)
    pair = builder.phi(I64)
    totals = [builder.phi(INTS) for _ in TILE]
    here = builder.add(row, builder.mul(pair, ir.Constant(I64, 4 * SIDE)))
    halves = {
        h: builder.load(at(here, 0, ir.Constant(I64, 0), h, SHORTS), align=2) for h in (0, 32)
    }
    offset = builder.mul(pair, ir.Constant(I64, 4))
    same = []
    for i in range(ROWS):
        two = builder.load(at(query, i, query_size, offset, I32), align=2)
        one = builder.insert_element(ir.Constant(INTS, ir.Undefined), two, ir.Constant(I32, 0))
        every = builder.shuffle_vector(one, one, ir.Constant(INTS, [0] * 8))
        same.append(builder.bitcast(every, SHORTS))
    following = [
        builder.add(sums, builder.call(pmadd, [halves[half], same[i]]))
        for sums, (i, half) in zip(totals, TILE, strict=True)
    ]
    advanced = builder.add(pair, ir.Constant(I64, 1))
    pair.add_incoming(ir.Constant(I64, 0), before)
    pair.add_incoming(advanced, loop)
    for sums, first, value in zip(totals, starts, following, strict=True):
        sums.add_incoming(first, before)
        sums.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", advanced, pairs), loop, after)
    builder.position_at_end(after)
    for value, (i, half) in zip(following, TILE, strict=True):
        builder.store(value, at(total, i, total_size, half, INTS), align=4)
    return context.get_dummy_value()


def _typed(context, query, query_size, row, pairs, start, start_size, total, total_size):
    return numba.types.none(*[numba.int64] * 8), _codegen


four_by_sixteen: Callable[..., None] = intrinsic(_typed)


@numba.njit(nogil=True, cache=True)
def _vectorised(queries, rows, starts, sums):
    pairs, size, width = rows.shape[1], 2 * queries.shape[1], 4 * sums.shape[1]
    for piece in range(0, pairs, PAIRS):
        for group in range(len(rows)):
            row = rows.ctypes.data + 4 * SIDE * (group * pairs + piece)
            for q in range(0, len(queries), ROWS):
                query = queries.ctypes.data + q * size + 4 * piece
                total = sums.ctypes.data + q * width + 4 * SIDE * group
                start, start_size = starts.ctypes.data + 4 * SIDE * group, 0
                if piece > 0:
                    start, start_size = total, width
                count = min(PAIRS, pairs - piece)
                four_by_sixteen(query, size, row, count, start, start_size, total, width)


@numba.njit(nogil=True, cache=True)
def _plain(queries, rows, starts, sums):
    for group in range(len(rows)):
        side = slice(SIDE * group, SIDE * group + SIDE)
        for q in range(len(queries)):
            totals = starts[side].copy()
            for pair in range(rows.shape[1]):
                a, b = queries[q, 2 * pair], queries[q, 2 * pair + 1]
                for i in range(SIDE):
                    totals[i] += a * rows[group, pair, i, 0] + b * rows[group, pair, i, 1]
            sums[q, side] = totals


MULTIPLIERS = {False: _plain, True: _vectorised}
