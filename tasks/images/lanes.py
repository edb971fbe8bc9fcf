"""A pixel's three colours as lanes of one vector, in instructions that compilers do not find.

A loop over three channels stays a loop over single numbers. Here a pixel is read as four
bytes, the fourth of which has no meaning, and weighed as a whole. The instructions are those
of LLVM, not of a processor, so they run everywhere; sums are made in a fixed order and
nothing is fused, so their bits are everywhere the same.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

DIGITS = 22  # of the weights of `weigh`, behind the point
HALF = 1 << (DIGITS - 1)

I32, I64, REAL = ir.IntType(32), ir.IntType(64), ir.DoubleType()
BYTES, INTS, REALS = (ir.VectorType(kind, 4) for kind in (ir.IntType(8), I32, REAL))


def read(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    """Read from an address that need not be even."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def store(builder: ir.IRBuilder, pixel: ir.Value, address: ir.Value) -> None:
    """Write four bytes."""
    builder.store(pixel, builder.inttoptr(address, BYTES.as_pointer()), align=1)


def alike(builder: ir.IRBuilder, value: ir.Value, kind: ir.VectorType) -> ir.Value:
    """Return a vector with one value in all lanes."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(INTS, [0] * 4))


@intrinsic
def weigh(typing_context, source, weights, count, target):
    """Store the mean of `count` neighbouring pixels with weights of `DIGITS` binary digits.

    All int64: the address of the pixels, that of the weights (int32, none negative, their
    sum 1), a positive number, and where four bytes go.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:  # noqa: ANN401
        source, weights, count, target = args
        before = builder.block
        loop, after = builder.append_basic_block("weigh"), builder.append_basic_block("weighed")
        builder.branch(loop)
        builder.position_at_end(loop)
        step, total = builder.phi(I64), builder.phi(INTS)
        step.add_incoming(ir.Constant(I64, 0), before)
        total.add_incoming(ir.Constant(INTS, [HALF] * 4), before)
        at = builder.add(source, builder.mul(step, ir.Constant(I64, 3)))
        pixel = builder.zext(read(builder, at, BYTES), INTS)
        at = builder.add(weights, builder.shl(step, ir.Constant(I64, 2)))
        weight = alike(builder, read(builder, at, I32), INTS)
        following = builder.add(total, builder.mul(pixel, weight))
        total.add_incoming(following, loop)
        done = builder.add(step, ir.Constant(I64, 1))
        step.add_incoming(done, loop)
        builder.cbranch(builder.icmp_signed("<", done, count), loop, after)
        builder.position_at_end(after)
        mean = builder.lshr(following, ir.Constant(INTS, [DIGITS] * 4))
        white = ir.Constant(INTS, [255] * 4)
        mean = builder.select(builder.icmp_unsigned(">", mean, white), white, mean)
        store(builder, builder.trunc(mean, BYTES), target)
        return context.get_dummy_value()

    return numba.void(*[numba.int64] * 4), codegen


@intrinsic
def blend(typing_context, corners, weights, saturation, factor, summand, target):
    """Store four pixels' weighted sum after the colour map of `warp.Moves`, rounded.

    Args: four addresses of pixels; four weights, float64; the saturation, float64; the
    addresses of three factors and three summands, with a fourth number behind them; where
    four bytes go.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:  # noqa: ANN401
        corners, weights, saturation, factor, summand, target = args
        total = ir.Constant(REALS, [0.0] * 4)
        for corner in range(4):
            pixel = read(builder, builder.extract_value(corners, corner), BYTES)
            value = builder.uitofp(builder.zext(pixel, INTS), REALS)
            weight = alike(builder, builder.extract_value(weights, corner), REALS)
            total = builder.fadd(total, builder.fmul(weight, value))
        coloured = builder.fcmp_unordered("!=", saturation, ir.Constant(REAL, 1.0))
        before = builder.block
        with builder.if_then(coloured):
            thirds = builder.fdiv(total, ir.Constant(REALS, [3.0] * 4))
            grey = ir.Constant(REAL, 0.0)
            for channel in range(3):
                third = builder.extract_element(thirds, ir.Constant(I32, channel))
                grey = builder.fadd(grey, third)
            greys = alike(builder, grey, REALS)
            away = builder.fmul(builder.fsub(total, greys), alike(builder, saturation, REALS))
            changed, within = builder.fadd(greys, away), builder.block
        value = builder.phi(REALS)
        value.add_incoming(total, before)
        value.add_incoming(changed, within)
        value = builder.fmul(value, read(builder, factor, REALS))
        value = builder.fadd(value, read(builder, summand, REALS))
        value = builder.fadd(value, ir.Constant(REALS, [0.5] * 4))
        for limit, beyond in ((0.0, "<"), (255.0, ">")):
            bound = ir.Constant(REALS, [limit] * 4)
            value = builder.select(builder.fcmp_ordered(beyond, value, bound), bound, value)
        store(builder, builder.trunc(builder.fptosi(value, INTS), BYTES), target)
        return context.get_dummy_value()

    whole, real = numba.int64, numba.float64
    four = [numba.types.UniTuple(kind, 4) for kind in (whole, real)]
    return numba.void(*four, real, whole, whole, whole), codegen
