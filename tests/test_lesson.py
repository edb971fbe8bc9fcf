import numpy as np
import pytest

from tasks.images.lesson import distance, lesson


def test_three_copies_that_look_different_are_equally_far_away(draw):
    picture = np.asarray(draw("circle", seed=3))
    original, *copies = lesson(picture[None])
    assert [copy.what for copy in copies] == ["shifted", "darkened", "partly covered"]
    assert original.distance == 0
    for copy in copies:
        assert copy.distance == pytest.approx(copies[0].distance, rel=0.01)
        assert copy.distance == distance(picture, copy.pixels)
    assert distance(copies[0].pixels, copies[1].pixels) > copies[0].distance / 2


def test_pictures_without_content_teach_nothing():
    assert lesson(np.zeros((3, 8, 8, 1), np.uint8)) == []
    assert lesson(np.full((3, 8, 8, 3), 200, np.uint8)) == []


def test_the_first_picture_that_serves_is_taken(draw):
    picture = np.asarray(draw("square", seed=1))
    assert np.array_equal(lesson(np.stack([np.zeros_like(picture), picture]))[0].pixels, picture)
