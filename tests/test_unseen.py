"""What nearest neighbours say of images that they hold, as if they did not."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.neighbours.trained import NearestNeighbours, votes
from tasks.models.recipe import Recipe
from tasks.models.unseen import probabilities_of_unseen, votes_of
from tasks.params import Neighbours, Prepare

PREPARE = Prepare(
    reader="packaged", height=2, width=2, channels=1, max_pixels=100, max_quarantined=0.0
)
PARAMS = Neighbours(model="neighbours", seed=0, metrics=["L1"], ks=[1], folds=2)


def model(images, labels, k):
    recipe = Recipe(classes=["a", "b", "c"], prepare=PREPARE, train=PARAMS, metric="L1", k=k)
    return NearestNeighbours(recipe, images, labels, memory_mib=64)


def without(held, images, labels, k):
    """Return what the same neighbours say of one image, without it and its copies."""
    other = (images != held).any(axis=(1, 2, 3))
    return model(images[other], labels[other], k).probabilities(held[None])[0]


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 4), st.integers(0, 6))
def test_an_image_and_its_copies_do_not_vote_for_themselves(seed, k, copies):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (30, 2, 2, 1), dtype=np.uint8)
    images[:copies] = images[10]
    labels = rng.integers(0, 3, 30)
    said = probabilities_of_unseen(model(images, labels, k), images[5:15])
    expected = [without(image, images, labels, k) for image in images[5:15]]
    assert np.allclose(said, expected)


def test_an_image_that_is_not_held_is_judged_as_ever():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 128, (20, 2, 2, 1), dtype=np.uint8)
    new = rng.integers(128, 256, (5, 2, 2, 1), dtype=np.uint8)
    knn = model(images, rng.integers(0, 3, 20), 3)
    assert np.array_equal(probabilities_of_unseen(knn, new), knn.probabilities(new))


def test_where_all_are_copies_the_farthest_vote_all_the_same():
    images = np.zeros((5, 2, 2, 1), np.uint8)
    said = probabilities_of_unseen(model(images, np.array([0, 0, 1, 1, 2]), 3), images[:1])
    assert said.sum() == 1


def test_it_is_known_how_many_vote():
    assert votes_of(model(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, int), 7)) == 7
    assert votes(np.array([[0, 1, 1]]), 3, 2).tolist() == [[np.float32(1 / 3), np.float32(2 / 3)]]
