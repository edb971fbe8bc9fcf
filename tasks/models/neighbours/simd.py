"""Sums over byte vectors with the AVX2 instructions that compilers do not find.

`vpsadbw` adds 32 absolute differences of bytes in one instruction, `vpmaddwd` multiplies
and adds 16 pairs of 16-bit numbers (Intel 64 and IA-32 Architectures Software Developer's
Manual, volume 2). A compiler turns neither loop of `sums.py` into them, so their
inner loop is written here as LLVM instructions: one row against four at a time, because
then each byte loaded is used four times.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

ROWS = 4  # queries per call
STRIDE = 32  # bytes: lengths must be a multiple
I32, I64 = ir.IntType(32), ir.IntType(64)
BYTES = ir.VectorType(ir.IntType(8), STRIDE)
SHORTS = ir.VectorType(ir.IntType(16), 16)
INTS, LONGS = ir.VectorType(I32, 8), ir.VectorType(I64, 4)

Step = Callable[[ir.IRBuilder, ir.Value, ir.Value, ir.Value], ir.Value]


def available() -> bool:
    """Say whether this processor has AVX2."""
    return bool(llvm.get_host_cpu_features().get("avx2", False))


def add_absolute(builder: ir.IRBuilder, total: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
    """Add 32 absolute differences to four 64-bit sums."""
    kind = ir.FunctionType(LONGS, [BYTES, BYTES])
    psad = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx2.psad.bw")
    return builder.add(total, builder.call(psad, [a, b]))


def add_squared(builder: ir.IRBuilder, total: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
    """Add 32 squared differences to eight 32-bit sums."""
    kind = ir.FunctionType(INTS, [SHORTS, SHORTS])
    pmadd = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx2.pmadd.wd")
    for half in (range(16), range(16, 32)):
        lanes = ir.Constant(ir.VectorType(I32, 16), list(half))
        wide = [
            builder.zext(builder.shuffle_vector(v, ir.Constant(BYTES, ir.Undefined), lanes), SHORTS)
            for v in (a, b)
        ]
        difference = builder.sub(*wide)
        total = builder.add(total, builder.call(pmadd, [difference, difference]))
    return total


def reduced(builder: ir.IRBuilder, totals: list[ir.Value]) -> list[ir.Value]:
    """Return the sums of the lanes of four vectors, as 64-bit numbers.

    Two additions of shuffled halves for each pair, instead of one addition per lane.
    """
    if totals[0].type == INTS:
        totals = [widened(builder, total) for total in totals]
    a, b, c, d = totals
    ab = paired(builder, a, b, [0, 4, 2, 6], [1, 5, 3, 7])
    cd = paired(builder, c, d, [0, 4, 2, 6], [1, 5, 3, 7])
    sums = paired(builder, ab, cd, [0, 1, 4, 5], [2, 3, 6, 7])
    return [builder.extract_element(sums, ir.Constant(I32, i)) for i in range(ROWS)]


def widened(builder: ir.IRBuilder, total: ir.Value) -> ir.Value:
    """Return eight 32-bit sums as four of 64 bits."""
    halves = [
        builder.zext(shuffled(builder, total, total, lanes), LONGS)
        for lanes in ([0, 1, 2, 3], [4, 5, 6, 7])
    ]
    return builder.add(*halves)


def paired(
    builder: ir.IRBuilder, a: ir.Value, b: ir.Value, left: list[int], right: list[int]
) -> ir.Value:
    """Add two selections of lanes of two vectors."""
    return builder.add(shuffled(builder, a, b, left), shuffled(builder, a, b, right))


def shuffled(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, lanes: list[int]) -> ir.Value:
    """Select lanes of two vectors, those of the second counted on."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))


def row_against_four(step: Step, sums: ir.VectorType) -> Callable[..., Any]:
    """Compile `(a, b, c, d, row, length) -> four distances` for one kind of sum.

    Addresses and lengths are int64, in bytes. `length` is a positive multiple of 32.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:  # noqa: ANN401
        *four, row, length = args
        before = builder.block
        loop = builder.append_basic_block("sum")
        after = builder.append_basic_block("summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        offset = builder.phi(I64)
        totals = [builder.phi(sums) for _ in range(ROWS)]
        offset.add_incoming(ir.Constant(I64, 0), before)
        there = load(builder, builder.add(row, offset))
        following = []
        for start, total in zip(four, totals, strict=True):
            total.add_incoming(ir.Constant(sums, None), before)
            following.append(step(builder, total, load(builder, builder.add(start, offset)), there))
        advanced = builder.add(offset, ir.Constant(I64, STRIDE))
        offset.add_incoming(advanced, loop)
        for total, value in zip(totals, following, strict=True):
            total.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", advanced, length), loop, after)
        builder.position_at_end(after)
        return context.make_tuple(builder, signature.return_type, reduced(builder, following))

    @intrinsic
    def compiled(typing_context, a, b, c, d, row, length):  # noqa: ANN001, ANN202
        return numba.types.UniTuple(numba.int64, ROWS)(*[numba.int64] * 6), codegen

    return compiled


def load(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    """Load 32 bytes from any address."""
    return builder.load(builder.inttoptr(address, BYTES.as_pointer()), align=1)


absolute = row_against_four(add_absolute, LONGS)
squared = row_against_four(add_squared, INTS)
