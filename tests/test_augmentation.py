from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.images.augmentation import augment
from tasks.params import Augment, load_params

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 20, 18, 3), dtype=np.uint8)
INDEX = np.arange(24)


def augmented(params, images=IMAGES, index=INDEX, *, seed=0, epoch=0, size=None):
    return augment(images, index, params, seed=seed, epoch=epoch, size=size or images.shape[1:3])


EVERYTHING = Augment(
    border="reflect",
    flip="random",
    rotation_degrees=30.0,
    zoom=(0.7, 1.4),
    stretch=0.2,
    shear=0.2,
    crop_area=(0.3, 1.0),
    crop_aspect=0.25,
    shift_share=0.1,
    shift_pixels=2.0,
    padded_crop=1,
    one_pixel_shifts=True,
    brightness=0.1,
    contrast=0.3,
    tint=0.05,
    saturation=0.4,
    noise=5.0,
    erase={"probability": 0.5, "side": (0.2, 0.4)},
)


def test_without_anything_pictures_stay_as_they_are():
    assert np.array_equal(augmented(Augment()), IMAGES)


def test_moves_by_nothing_are_the_identity_to_the_byte():
    assert np.array_equal(augmented(Augment(rotation_degrees=1e-12, brightness=1e-12)), IMAGES)


@given(st.permutations(range(24)), st.integers(1, 24))
def test_a_picture_looks_the_same_in_any_company(places, n):
    chosen = np.array(places[:n])
    whole = augmented(EVERYTHING, epoch=3)
    assert np.array_equal(augmented(EVERYTHING, IMAGES[chosen], chosen, epoch=3), whole[chosen])


def test_epochs_and_seeds_change_every_picture():
    first = augmented(EVERYTHING)
    for other in (augmented(EVERYTHING, epoch=1), augmented(EVERYTHING, seed=1)):
        assert (first != other).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("size", [(20, 18), (10, 9), (31, 40)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
def test_the_result_has_the_wanted_size_and_range(size, channels, border):
    out = augmented(
        EVERYTHING.model_copy(update={"border": border}), IMAGES[..., :channels], size=size
    )
    assert out.shape == (24, *size, channels)
    assert out.dtype == np.uint8


def test_flips_mirror_about_half_of_the_pictures():
    out = augmented(Augment(flip="random"))
    straight = (out == IMAGES).all(axis=(1, 2, 3))
    mirrored = (out == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (straight ^ mirrored).all()
    assert 4 <= mirrored.sum() <= 20


def test_alternating_flips_turn_every_picture_over_in_every_second_epoch():
    epochs = [augmented(Augment(flip="alternate"), epoch=e) for e in range(4)]
    assert np.array_equal(epochs[0], epochs[2])
    assert np.array_equal(epochs[0][:, :, ::-1], epochs[1])
    assert np.array_equal(epochs[1], epochs[3])


def test_a_padded_crop_is_one_of_all_crops_of_the_padded_picture():
    border = 2
    images = np.random.default_rng(1).integers(0, 256, (300, 7, 6, 3), dtype=np.uint8)
    out = augmented(Augment(padded_crop=border), images, np.arange(300))
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
    found = set()
    for picture, pad in zip(out, padded, strict=True):
        crops = {(y, x): pad[y : y + 7, x : x + 6] for y in range(5) for x in range(5)}
        same = [at for at, crop in crops.items() if np.array_equal(crop, picture)]
        assert len(same) == 1
        found |= set(same)
    assert len(found) == 25


def test_one_pixel_shifts_reach_all_eight_directions_and_none():
    index = np.arange(300)
    images = np.repeat(IMAGES[:1], 300, axis=0)
    out = augmented(Augment(one_pixel_shifts=True, border="zero"), images, index)
    inner = out[:, 1:-1, 1:-1]
    seen = np.zeros((3, 3), int)
    for dy in range(3):
        for dx in range(3):
            moved = IMAGES[0, 2 - dy : 18 + 2 - dy, 2 - dx : 16 + 2 - dx]
            seen[dy, dx] = (inner == moved).all(axis=(1, 2, 3)).sum()
    assert seen.sum() == 300
    assert seen.min() >= 15  # 300 / 9 = 33, three deviations below


def test_a_zero_border_only_takes_mass_away():
    params = Augment(shift_pixels=6.0, border="zero")
    assert (augmented(params).sum(axis=(1, 2, 3)) <= IMAGES.sum(axis=(1, 2, 3)) + 20 * 18 * 3).all()


def test_a_zoom_of_two_shows_the_middle_twice_as_large():
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8)[None, None, :, None], (1, 40, 40, 1))
    out = augmented(Augment(zoom=(2.0, 2.0)), ramp, np.array([0]))
    assert np.allclose(out[0, 20, :, 0], 9.75 + np.arange(40) / 2, atol=0.51)


def test_a_quarter_turn_agrees_with_numpy():
    square = IMAGES[:, :18, :, :]
    params = Augment(rotation_degrees=90.0)
    for seed in range(200):  # look for a draw close to a right angle
        out = augmented(params, square, seed=seed)
        for i in range(24):
            for turns in (1, 3):
                if np.abs(out[i].astype(int) - np.rot90(square[i], turns)).mean() < 2:
                    return
    pytest.fail("no turn by about 90 degrees among 4,800")


def test_brightness_moves_all_channels_alike_and_clips():
    out = augmented(Augment(brightness=0.2)).astype(int) - IMAGES
    middle = (IMAGES > 60) & (IMAGES < 195)
    for i in range(24):
        assert np.ptp(out[i][middle[i]]) <= 1
    assert np.abs(out).max() <= 0.2 * 255 + 1


def test_saturation_and_contrast_leave_middle_grey_alone():
    grey = np.full((5, 8, 8, 3), 127, np.uint8)
    out = augmented(Augment(saturation=0.9, contrast=0.9), grey, np.arange(5))
    assert np.abs(out.astype(int) - 127).max() <= 1


def test_noise_has_the_wanted_deviation():
    grey = np.full((20, 40, 40, 3), 128, np.uint8)
    out = augmented(Augment(noise=10.0), grey, np.arange(20)).astype(float) - 128
    assert abs(out.mean()) < 0.2
    assert out.std() == pytest.approx(10.0, rel=0.02)


def test_an_erased_square_has_one_colour_and_the_wanted_size():
    params = Augment(erase={"probability": 0.999999, "side": (0.4, 0.5)})
    changed = (augmented(params) != IMAGES).any(axis=3)
    share = changed.mean(axis=(1, 2))
    assert ((share > 0.1) & (share < 0.3)).all()


def test_the_smallest_picture_survives_every_border():
    dot = np.full((3, 1, 1, 1), 7, np.uint8)
    for border in ("reflect", "edge"):
        out = augmented(Augment(shift_pixels=3.0, border=border), dot, np.arange(3))
        assert (out == 7).all()


def test_every_recipe_of_params_yaml_augments(workspace):
    for experiment in load_params().experiments.values():
        assert augmented(experiment.augment).shape == IMAGES.shape


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_makes_the_same_pictures(threads):
    parts = [slice(i, i + 7) for i in range(0, len(IMAGES), 7)]
    with ThreadPoolExecutor(threads) as pool:
        made = pool.map(lambda p: augmented(EVERYTHING, IMAGES[p], INDEX[p], epoch=2), parts)
        assert np.array_equal(np.concatenate(list(made)), augmented(EVERYTHING, epoch=2))
