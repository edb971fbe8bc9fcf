"""Sums over byte vectors with the AVX2 instructions that compilers do not find.

`vpsadbw` adds 32 absolute differences of bytes in one instruction, `vpmaddwd` multiplies
and adds 16 pairs of 16-bit numbers (Intel 64 and IA-32 Architectures Software Developer's
Manual, volume 2). A compiler turns neither loop of `distances.py` into them, so their
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


def reduced(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """Return the sum of a vector's lanes as a 64-bit number."""
    lanes = [
        builder.zext(builder.extract_element(vector, ir.Constant(I32, i)), I64)
        if vector.type.element != I64
        else builder.extract_element(vector, ir.Constant(I32, i))
        for i in range(vector.type.count)
    ]
    total = lanes[0]
    for lane in lanes[1:]:
        total = builder.add(total, lane)
    return total


def row_against_four(step: Step, sums: ir.VectorType) -> Callable[..., Any]:
    """Compile `(queries, gap, row, length) -> four distances` for one kind of sum.

    Addresses and lengths are int64, in bytes; `gap` is the distance between two of the
    four queries. `length` is a positive multiple of 32.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:  # noqa: ANN401
        queries, gap, row, length = args
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
        for i, total in enumerate(totals):
            total.add_incoming(ir.Constant(sums, None), before)
            start = builder.add(queries, builder.mul(gap, ir.Constant(I64, i)))
            following.append(step(builder, total, load(builder, builder.add(start, offset)), there))
        advanced = builder.add(offset, ir.Constant(I64, STRIDE))
        offset.add_incoming(advanced, loop)
        for total, value in zip(totals, following, strict=True):
            total.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", advanced, length), loop, after)
        builder.position_at_end(after)
        results = [reduced(builder, value) for value in following]
        return context.make_tuple(builder, signature.return_type, results)

    @intrinsic
    def compiled(typing_context, queries, gap, row, length):  # noqa: ANN001, ANN202
        kind = numba.types.UniTuple(numba.int64, ROWS)
        return kind(numba.int64, numba.int64, numba.int64, numba.int64), codegen

    return compiled


def load(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    """Load 32 bytes from any address."""
    return builder.load(builder.inttoptr(address, BYTES.as_pointer()), align=1)


absolute = row_against_four(add_absolute, LONGS)
squared = row_against_four(add_squared, INTS)
