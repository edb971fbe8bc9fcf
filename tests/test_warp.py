"""The kernels for one and for three channels give the bytes of the plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.images.warp import BORDERS, Moves, warp
from tasks.images.warp import plain as oracle


def plain(images, moves, size, border):
    out = np.empty((len(images), *size, images.shape[3]), np.uint8)
    oracle.warped(images, *moves, BORDERS[border], 0.0, out)
    return out


def drawn(seed, images, size, *, colours, farthest=3.0):
    """Draw moves that also leave the picture, by more than its size."""
    rng = np.random.default_rng(seed)
    n, height, width, channels = images.shape
    affine = rng.uniform(-2, 2, (n, 2, 3))
    affine[:, :, 2] = rng.uniform(-farthest, farthest, (n, 2)) * [width, height]
    affine[0] = [[1, 0, 0], [0, 1, 0]]  # as it is
    affine[1, 0, 1] = 0  # rows stay rows
    affine[-1] = [[-1, 0, width - 0.5], [0, 1, 0.5]]  # halves, where rounding has a choice
    side = rng.uniform(0, 1, (n, 2)) * size[::-1]
    return Moves(
        affine=affine,
        factor=rng.uniform(0.5, 1.5, (n, channels)) if colours else np.ones((n, channels)),
        summand=rng.uniform(-99, 99, (n, channels)) if colours else np.zeros((n, channels)),
        saturation=rng.uniform(0, 2, n) if colours else np.ones(n),
        erase=np.concatenate([side / 2, side], axis=1) * (rng.random((n, 1)) < 0.5),
        noise=rng.integers(0, 2**64, n, np.uint64),
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("border", BORDERS)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(1, 12)] * 4))
@settings(max_examples=25)
def test_bytes_are_those_of_the_plain_kernel(border, colours, channels, seed, sizes):
    height, width, *size = sizes
    images = np.random.default_rng(seed).integers(0, 256, (5, height, width, channels), np.uint8)
    moves = drawn(seed, images, size, colours=colours)
    out = warp(images, moves, size=tuple(size), border=border, deviation=0.0)
    assert np.array_equal(out, plain(images, moves, size, border))


@pytest.mark.parametrize("border", BORDERS)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(1, 12)] * 4))
@settings(max_examples=25)
def test_moves_by_whole_pixels_give_the_bytes_of_the_plain_kernel(border, seed, sizes):
    height, width, *size = sizes
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (5, height, width, 1), np.uint8)
    moves = drawn(seed, images, size, colours=False)
    moves.affine[:] = [[1, 0, 0], [0, 1, 0]]
    moves.affine[:, :, 2] = rng.integers(-20, 21, (5, 2))
    moves.affine[0, 0, 2] += 0.5  # not whole
    moves.summand[1] = 7  # whole, and brighter
    out = warp(images, moves, size=tuple(size), border=border, deviation=0.0)
    assert np.array_equal(out, plain(images, moves, size, border))


@pytest.mark.parametrize("channels", [1, 3])
def test_parts_of_larger_arrays_are_moved_alike(channels):
    images = np.random.default_rng(0).integers(0, 256, (9, 7, 8, channels), np.uint8)
    moves = drawn(0, images[::2], (6, 6), colours=True)
    outs = [
        warp(some, moves, size=(6, 6), border="reflect", deviation=0.0)
        for some in (images[::2], images[::2].copy())
    ]
    assert np.array_equal(*outs)
