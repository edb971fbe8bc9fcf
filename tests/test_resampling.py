import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tasks.images.decode import FILTER
from tasks.images.resampling import resampled


def by_pillow(pixels, height, width):
    return np.asarray(Image.fromarray(pixels).resize((width, height), FILTER))


side = st.integers(1, 40)


@given(st.data(), side, side, side, side)
@settings(max_examples=150)
def test_small_pictures_resize_as_pillow_does_it(data, height, width, new_height, new_width):
    few = st.sampled_from([0, 1, 127, 254, 255])
    pixels = data.draw(arrays(np.uint8, (height, width, 3), elements=few))
    expected = by_pillow(pixels, new_height, new_width)
    assert np.array_equal(resampled(pixels, new_height, new_width), expected)


@pytest.mark.parametrize("size", [(363, 409), (500, 374), (150, 1000), (1300, 160), (90, 60)])
@pytest.mark.parametrize("new", [(150, 150), (64, 200), (1, 1), (150, 3)])
def test_photographs_resize_as_pillow_does_it(size, new):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert np.array_equal(resampled(pixels, *new), by_pillow(pixels, *new))


@pytest.mark.parametrize(("size", "new"), [((1, 507_972), (1, 1)), ((507_972, 1), (1, 1))])
def test_white_stays_white_in_the_greatest_reductions(size, new):
    assert (resampled(np.full((*size, 3), 255, np.uint8), *new) == 255).all()


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_one_colour_stays_that_colour_at_any_size(value):
    pixels = np.full((700, 900, 3), value, np.uint8)
    for new in ((1, 1), (13, 7), (700, 1), (2000, 899)):
        assert (resampled(pixels, *new) == value).all()
