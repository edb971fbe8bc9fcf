"""Augmentation on the device against that on the host, and trainings with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tasks.images.samples import Rows
from tasks.models.loading import load_classifier
from tasks.models.network import looks
from tasks.models.network.batches import Epoch
from tasks.models.network.looks import Looks
from tasks.models.network.objective import targets
from tasks.models.network.on_device import OnDevice
from tasks.params import Augment
from tasks.stage import StageError

from .test_training import CNN, MLP, RESNET, network, stripes, trained

CHANGES = st.builds(
    Augment,
    border=st.sampled_from(["reflect", "edge", "zero"]),
    flip=st.sampled_from([None, "random", "alternate"]),
    rotation_degrees=st.sampled_from([None, 15.0, 170.0]),
    zoom=st.sampled_from([None, (0.3, 2.0)]),
    shear=st.sampled_from([None, 0.3]),
    crop_area=st.sampled_from([None, (0.2, 1.0)]),
    shift_share=st.sampled_from([None, 0.9]),
    padded_crop=st.sampled_from([None, 3]),
    one_pixel_shifts=st.booleans(),
    brightness=st.sampled_from([None, 0.3]),
    contrast=st.sampled_from([None, 0.5]),
    tint=st.sampled_from([None, 0.1]),
    saturation=st.sampled_from([None, 0.6]),
    erase=st.sampled_from([None, {"probability": 0.7, "side": (0.2, 0.6)}]),
)


class Seen:
    """In the place of a network, shows what it would see."""

    def __call__(self, pixels, training=None):
        return pixels


def pictures(shape, n=12):
    """Return smooth pictures: where a rounding differs, they hardly change."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = [
        np.sin(x * rng.uniform(0, 0.6) + y * rng.uniform(0, 0.6) + rng.uniform(0, 6))
        for _ in range(n * shape[2])
    ]
    images = np.stack(waves, axis=-1).reshape(*shape[:2], n, shape[2]).transpose(2, 0, 1, 3)
    index = np.arange(5, 5 + n)
    names = [str(i) for i in index]
    images = np.concatenate([np.zeros((5, *shape)), 127.5 + 127 * images]).astype(np.uint8)
    return Rows(images, index, np.arange(n) % 2, names, names, ["a", "b"])


def both(rows, changes, size, *, send, **params):
    """Return what the host makes of an epoch's batches, and what the device does."""
    given = network(MLP, batch_size=4, **params)
    goals = targets(rows.labels, 2, "softmax")
    host = Epoch(rows, goals, rows.index, given, changes, epoch=3, size=size)
    told = Looks(rows, goals, rows.index, given, changes, epoch=3, size=size, send=send)
    images = None if send else rows.pixels()
    model = OnDevice(Seen(), images, size=size, border=changes.border)
    assert len(host) == len(told) == len(rows) // 4
    for batch in range(len(host)):
        (expected, expected_goals), (given, goals_given) = host[batch], told[batch]
        assert np.array_equal(expected_goals, goals_given)
        yield expected, ops.convert_to_numpy(model(given))


@settings(max_examples=40)
@given(
    CHANGES,
    st.sampled_from([(12, 12, 1), (9, 14, 3), (1, 5, 1), (11, 7, 3)]),
    st.sampled_from([(12, 12), (8, 10), (16, 9)]),
    st.booleans(),
)
def test_the_device_shows_what_the_host_shows_but_for_rounding(changes, shape, size, send):
    for expected, got in both(pictures(shape), changes, size, send=send):
        assert got.shape == expected.shape
        assert np.array_equal(got, np.rint(got))
        off = np.abs(got - expected.astype(np.float32))
        assert (off <= 1).mean() > 0.995
        assert np.median(off) == 0


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_batches_are_mixed_as_on_the_host(share):
    rows = pictures((10, 8, 3), n=40)
    shown = list(both(rows, Augment(), (10, 8), send=False, mix=share))
    assert len(shown) == 10
    assert all(np.abs(got - expected.astype(np.float32)).max() <= 1 for expected, got in shown)


def test_nothing_to_do_leaves_every_byte_as_it_is():
    rng = np.random.default_rng(0)
    rows = pictures((6, 7, 3))
    rows.images[:] = rng.integers(0, 256, rows.images.shape)
    for expected, got in both(rows, Augment(), (6, 7), send=False):
        assert np.array_equal(got, expected)


CHANGED = Augment(one_pixel_shifts=True, flip="alternate", brightness=0.1, border="edge")


@pytest.mark.parametrize("architecture", [CNN, RESNET], ids=["cnn", "resnet"])
def test_a_network_learns_from_what_the_device_shows_to_the_same_bytes(architecture, tmp_path):
    params = network(architecture, augment_on="device", mix=0.1, epochs=20)
    history = trained(tmp_path / "a", params, CHANGED, n=80)
    assert trained(tmp_path / "b", params, CHANGED, n=80) == history
    bytes_of = [(tmp_path / name / "model.keras").read_bytes() for name in "ab"]
    assert bytes_of[0] == bytes_of[1]
    rows = stripes(80)
    model = load_classifier(tmp_path / "a", threads=2, memory_mib=64)
    assert (model.probabilities(rows.images).argmax(axis=1) == rows.labels).mean() > 0.9


def test_pixels_that_are_sent_or_kept_give_the_same_network(tmp_path, monkeypatch):
    resolutions = [
        {"start": 0.0, "size": 8, "source": 10},
        {"start": 0.5, "size": 12, "source": 12},
    ]
    params = network(RESNET, augment_on="device", epochs=4, resolutions=resolutions)
    kept = trained(tmp_path / "kept", params, CHANGED)
    monkeypatch.setattr(looks, "KEPT", 0)
    assert trained(tmp_path / "sent", params, CHANGED) == kept
    assert [row[1] for row in kept.rows] == [8, 8, 12, 12]


def test_on_a_device_that_counts_in_halves_positions_stay_exact(tmp_path):
    params = network(CNN, augment_on="device", precision="mixed_bfloat16", epochs=3)
    assert len(trained(tmp_path / "model", params, CHANGED).rows) == 3
    rows = pictures((12, 12, 1))
    for expected, got in both(rows, Augment(shift_pixels=2.0), (12, 12), send=False):
        assert np.abs(got - expected.astype(np.float32)).max() <= 1


def test_noise_is_refused_in_one_line(tmp_path):
    params = network(CNN, augment_on="device")
    with pytest.raises(StageError, match=r"augment\.noise is drawn .* Set augment_on to 'host'"):
        trained(tmp_path / "model", params, Augment(noise=3.0))


def test_a_recipe_that_knows_nothing_of_it_augments_on_the_host_and_stays_as_it_is():
    assert network(CNN).augment_on == "host"
    assert "augment_on" not in network(CNN).model_dump_json()
    assert network(CNN, augment_on="device").model_dump()["augment_on"] == "device"
