"""Copies are found after what people do to pictures, and different pictures are not."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from tasks.params import Check
from tasks.quality import candidates
from tasks.quality.alignment import likeness
from tasks.quality.descriptors import descriptors, mirrored
from tasks.quality.duplicates import exact, find

PARAMS = Check(leaks="warn", likeness=0.85, distinct=0.85, faint=5, outlier=6, imbalance=3)


def scenes(n: int, side: int = 48, seed: int = 0) -> np.ndarray:
    """Return pictures as photographs vary: coarse shapes strong, fine ones weak."""
    noise = np.random.default_rng(seed).normal(size=(n, side, side, 3))
    layers = [s * gaussian_filter(noise, (0, s, s, 0.6)) for s in (1, 2, 4, 8)]
    mixed = sum(layer / layer.std() for layer in layers)
    return np.clip(128 + 30 * mixed, 0, 255).astype(np.uint8)


def cut(picture: np.ndarray, box: tuple[int, int, int, int] = (4, 4, 36, 36)) -> Image.Image:
    return Image.fromarray(picture).crop(box).resize((32, 32), Image.Resampling.BICUBIC)


CHANGES = {
    "moved": lambda p: cut(p, (6, 3, 38, 35)),
    "cropped": lambda p: cut(p, (6, 6, 34, 33)),
    "darker": lambda p: ImageEnhance.Brightness(cut(p)).enhance(0.6),
    "greyer": lambda p: ImageEnhance.Color(cut(p)).enhance(0.3),
    "smaller": lambda p: cut(p).resize((22, 22)).resize((32, 32), Image.Resampling.BICUBIC),
    "mirrored": lambda p: cut(p).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def found(images: np.ndarray) -> list:
    digests, groups = np.arange(len(images)).astype("S"), np.zeros(len(images))
    return find(images, digests, groups, PARAMS, 64)


def test_copies_are_found_however_they_were_changed_and_nothing_else_is():
    wide = scenes(80)
    images = [np.asarray(cut(p)) for p in wide]
    copies = [np.asarray(change(wide[i])) for i, change in enumerate(CHANGES.values())]
    pairs = found(np.stack(images + copies))
    assert [pair[:2] for pair in pairs] == [(i, 80 + i) for i in range(len(CHANGES))]
    assert [pair.kind for pair in pairs] == ["near"] * 5 + ["mirrored"]
    assert all(pair.likeness > 0.9 for pair in pairs)


def test_pictures_without_detail_or_too_small_are_no_trouble():
    even = np.full((30, 8, 8, 1), 7, np.uint8)
    assert found(even) == []
    assert found(scenes(5)[:, :3, :3]) == []
    assert found(scenes(2)) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["train", "test"])), max_size=12))
def test_exact_copies_are_paired_so_that_each_meets_every_split_that_has_one(rows):
    digests, groups = [d for d, _ in rows], [g for _, g in rows]
    pairs = {pair[:2] for pair in exact(np.array(digests), np.array(groups))}
    assert all(digests[a] == digests[b] and a < b for a, b in pairs)
    for i, digest in enumerate(digests):
        met = {groups[b if a == i else a] for a, b in pairs if i in (a, b)}
        others = {groups[j] for j, other in enumerate(digests) if other == digest and j != i}
        assert met == others


def test_an_exact_copy_is_listed_once_and_as_exact():
    images = scenes(40)[:, :32, :32]
    images = np.concatenate([images, images[:1]])
    digests, groups = np.array([*range(40), 0]).astype("S"), np.array([0] * 40 + [2])
    assert find(images, digests, groups, PARAMS, 64) == [(0, 40, "exact", 1.0)]


@settings(deadline=None, max_examples=20)
@example(seed=187, c=1, side=5)  # has even pictures
@given(st.integers(0, 1000), st.sampled_from([1, 3]), st.integers(5, 20))
def test_the_description_of_a_mirrored_picture_is_computed_from_that_of_the_picture(seed, c, side):
    images = scenes(12, side, seed)[..., :c]
    turned = mirrored(descriptors(images), images.shape[1:])
    again = descriptors(np.concatenate([images, images[:, :, ::-1]]))
    assert np.abs(turned.astype(int) - descriptors(images[:, :, ::-1])).max() <= 1
    assert again.shape == (24, turned.shape[1])


@pytest.mark.parametrize("c", [1, 3])
def test_an_even_picture_has_no_strength_in_any_frequency(c):
    images = scenes(4, 7)[..., :c]
    images[1], images[2] = 255, 77
    assert (descriptors(images)[1:3] == 128).all()


def test_likeness_is_one_for_the_same_picture_and_low_for_others():
    grey = scenes(20)[:, :32, :32].mean(axis=3, dtype=np.float32)
    a = np.arange(20)
    plain = np.zeros(20, bool)
    assert likeness(grey, a, a, plain) == pytest.approx(1)
    assert likeness(grey, a, np.roll(a, 1), plain).max() < 0.7


def with_copies(n: int, copies: int, channels: int = 3) -> np.ndarray:
    """Return n - 1 pictures, and behind them noisy copies of one more."""
    rng = np.random.default_rng(copies)
    smooth = gaussian_filter(rng.normal(size=(n, 24, 24, channels)), (0, 2, 2, 0))
    pictures = np.clip(128 + 40 * smooth / smooth.std(), 0, 255)
    noisy = pictures[:1] + rng.normal(0, 2, (copies, 24, 24, channels))
    return np.clip(np.concatenate([pictures[1:], noisy]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("others", "copies"), [(120, 2), (120, 17), (120, 18), (120, 40), (9, 60)])
def test_any_number_of_copies_of_one_picture_is_found(others, copies):
    pairs = found(with_copies(others, copies))
    assert len(pairs) == copies * (copies - 1) // 2
    assert {pair.first for pair in pairs} == set(range(others - 1, others + copies - 2))


@pytest.mark.parametrize("copies", [2, 40])
def test_searching_for_some_pictures_at_a_time_finds_the_same_pairs(monkeypatch, copies):
    images = with_copies(120, copies)
    at_once = found(images)
    monkeypatch.setattr("tasks.quality.candidates.PLACES", 300)
    monkeypatch.setattr("tasks.quality.descriptors.VALUES", 7 * images[0].size)
    assert found(images) == at_once


def test_more_copies_than_neighbours_are_asked_for_still_have_pairs(monkeypatch):
    monkeypatch.setattr("tasks.quality.candidates.MOST", candidates.NEIGHBOURS)
    pairs = found(with_copies(120, 50, channels=1))
    assert {at for pair in pairs for at in pair[:2]} == set(range(119, 169))
