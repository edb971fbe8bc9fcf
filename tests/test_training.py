"""Training for real, on a few pictures, in seconds."""

import math
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.images.samples import Rows
from tasks.images.scaling import moments, scale
from tasks.models.loading import load_classifier
from tasks.models.network import architectures, batches, device
from tasks.models.network.architectures import build
from tasks.models.network.batches import Epoch
from tasks.models.network.course import averaged, phases, row_of
from tasks.models.network.feeding import fed
from tasks.models.network.objective import targets
from tasks.models.network.optimisers import WarmThenFall
from tasks.models.network.trained import probabilities_of, shifted, views
from tasks.models.network.training import fit
from tasks.params import Augment, Network, Optimizer, Prepare, load_params
from tasks.stage import StageError

PREPARE = Prepare(
    reader="image_folder", height=12, width=12, channels=1, max_pixels=1000, max_quarantined=0.0
)
CNN = {"name": "cnn", "filters": [8, 8], "dropout": [0.0, 0.1], "dense": 16}
MLP = {"name": "mlp", "hidden": [32], "dropout": 0.0}
RESNET = {
    "name": "resnet",
    "stem_width": 8,
    "stem_kernel": 3,
    "stem_stride": 1,
    "blocks": [{"width": 16, "downsample": "stride", "convolutions": 1, "residual": True}],
    "pooling": "both",
    "dropout": 0.0,
}


def network(architecture, **changes) -> Network:
    given = {
        "model": "network",
        "seed": 0,
        "architecture": architecture,
        "normalise": "standard",
        "head": "softmax",
        "epochs": 30,
        "batch_size": 16,
        "optimizer": {
            "name": "adamw",
            "learning_rate": 0.01,
            "schedule": "cosine",
            "warmup": 0.1,
            "final_share": 0.01,
            "weight_decay": 0.0001,
            "momentum": 0.9,
            "second_moment": 0.99,
        },
        "label_smoothing": 0.0,
        "mix": 0.0,
        "resolutions": [],
        "early_stopping": None,
        "keep": "last",
        "weight_averaging": None,
        "precision": "float32",
        "device": "cpu",
        "test_time": {"mirror": False, "shifts": [], "size": None},
    }
    return Network.model_validate(given | changes)


def stripes(n, *, first=0):
    """Return n noisy pictures with upright (0) or level (1) stripes."""
    rng = np.random.default_rng(1)
    images = np.zeros((n, 12, 12, 1), np.uint8)
    labels = np.arange(n) % 2
    for i, label in enumerate(labels):
        pattern = np.where((np.arange(12) + rng.integers(4)) // 2 % 2, 180, 20)
        images[i, ..., 0] = np.tile(pattern, (12, 1)).T if label else np.tile(pattern, (12, 1))
    images += rng.integers(0, 60, images.shape, dtype=np.uint8)
    index = np.arange(n)
    ids = [str(i + first) for i in index]
    return Rows(images, index, labels, ids, ids, ["level", "upright"])


def part(rows, start, stop):
    index = rows.index[start:stop]
    return Rows(
        rows.images,
        index,
        rows.labels[index],
        rows.ids[start:stop],
        rows.ids[start:stop],
        rows.classes,
    )


def trained(folder, params, changes=None, n=48):
    folder.mkdir(exist_ok=True)
    rows = stripes(n)
    return fit(
        part(rows, 0, n - 16),
        part(rows, n - 16, n),
        params,
        changes or Augment(),
        PREPARE,
        2,
        folder,
        folder.with_suffix(".scratch"),
    )


@pytest.mark.parametrize(
    ("architecture", "head"), [(MLP, "softmax"), (CNN, "logit"), (RESNET, "softmax")]
)
def test_every_family_learns_32_pictures_by_heart(architecture, head, tmp_path):
    history = trained(tmp_path / "model", network(architecture, head=head))
    table = [dict(zip(history.columns, row, strict=True)) for row in history.rows]
    assert len(table) == 30
    assert table[-1]["train_accuracy"] == 1.0
    model = load_classifier(tmp_path / "model", threads=2, memory_mib=64)
    rows = stripes(48)
    probabilities = model.probabilities(rows.images)
    assert probabilities.shape == (48, 2)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities[:32].argmax(axis=1) == rows.labels[:32]).all()


def everything_at_once():
    return network(
        RESNET,
        epochs=4,
        mix=0.5,
        label_smoothing=0.1,
        weight_averaging=0.5,
        resolutions=[
            {"start": 0.0, "size": 8, "source": 10},
            {"start": 0.5, "size": 12, "source": 12},
        ],
        early_stopping={"monitor": "val_accuracy", "patience": 10},
        keep="best",
        test_time={"mirror": True, "shifts": [[0, 1]], "size": 14},
    ), Augment(flip="alternate", shift_pixels=1.0, noise=3.0, rotation_degrees=5.0)


def test_everything_at_once_trains_twice_to_the_same_bytes(tmp_path):
    histories = [trained(tmp_path / name, *everything_at_once()) for name in "ab"]
    assert histories[0] == histories[1]
    assert [row[1] for row in histories[0].rows] == [8, 8, 12, 12]
    for file in ("model.keras", "recipe.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    model = load_classifier(tmp_path / "a", threads=2, memory_mib=64)
    assert np.allclose(model.probabilities(stripes(5).images).sum(axis=1), 1, atol=1e-5)


def test_early_stopping_ends_a_run_that_no_longer_improves(tmp_path):
    params = network(
        MLP,
        optimizer=network(MLP).optimizer.model_dump() | {"learning_rate": 1e-12},
        early_stopping={"monitor": "val_accuracy", "patience": 2},
    )
    assert len(trained(tmp_path / "model", params).rows) == 3


def test_a_loss_that_is_not_finite_stops_with_a_clear_error(tmp_path):
    params = network(
        MLP, optimizer=network(MLP).optimizer.model_dump() | {"name": "sgd", "learning_rate": 1e30}
    )
    with pytest.raises(StageError, match=r"the loss is not finite in epoch \d+: expected a number"):
        trained(tmp_path / "model", params)


def test_one_logit_cannot_tell_three_classes_apart(tmp_path):
    rows = stripes(8)
    three = Rows(rows.images, rows.index, rows.labels, rows.ids, rows.ids, ["a", "b", "c"])
    with pytest.raises(StageError, match=r"head is 'logit': expected 2 classes, got 3"):
        fit(three, three, network(CNN, head="logit"), Augment(), PREPARE, 2, tmp_path, tmp_path)


@pytest.mark.skipif(bool(device.gpus()), reason="there is a GPU")
def test_a_missing_gpu_is_an_error_and_never_a_silent_cpu_run(tmp_path):
    with pytest.raises(StageError, match=r"device is 'gpu': expected at least one GPU, got none: "):
        trained(tmp_path / "model", network(MLP, device="gpu"))


def test_the_loss_of_an_untrained_mlp_is_near_the_logarithm_of_the_classes(workspace):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    train = load_params().experiment("mnist_mlp").train
    model = build(train, (32, 32, 3), 10, ([1 / 255] * 3, [0.0] * 3))
    probabilities = probabilities_of(model.predict_on_batch(images))
    assert -np.log(probabilities).mean() == pytest.approx(math.log(10), abs=0.5)


def test_the_source_s_networks_have_the_sizes_of_the_source(workspace):
    experiments = load_params().experiments
    unit = ([1 / 255] * 3, [0.0] * 3)
    cnn = build(experiments["cats_vs_dogs_baseline"].train, (150, 150, 3), 2, unit)
    assert cnn.count_params() == 10_641_441
    mlp = build(experiments["mnist_mlp"].train, (28, 28, 1), 10, ([1 / 255], [0.0]))
    assert mlp.count_params() == 784 * 512 + 512 + 512 * 128 + 128 + 128 * 10 + 10


def test_the_rate_rises_and_then_falls():
    given = network(MLP).optimizer.model_dump() | {"warmup": 0.2, "final_share": 0.1}
    for schedule, middle in (("linear", 0.55), ("cosine", 0.55), ("constant", 1.0)):
        rate = WarmThenFall(Optimizer.model_validate(given | {"schedule": schedule}), 100)
        shape = [float(rate(step)) / 0.01 for step in (0, 20, 60, 100)]
        last = 1.0 if schedule == "constant" else 0.1
        assert shape == pytest.approx([0.05, 1.0, middle, last], abs=1e-5)


def test_resolutions_are_laid_out_over_the_epochs():
    resolutions = [
        {"start": 0.0, "size": 64, "source": 80},
        {"start": 0.53, "size": 80, "source": 96},
        {"start": 0.74, "size": 96, "source": 128},
    ]
    laid = phases(network(RESNET, epochs=85, resolutions=resolutions), (150, 150))
    assert [(p.first, p.last, p.size[0]) for p in laid] == [(0, 45, 64), (45, 63, 80), (63, 85, 96)]
    short = phases(network(RESNET, epochs=1, resolutions=resolutions), (150, 150))
    assert [(p.first, p.last) for p in short] == [(0, 1)]
    assert phases(network(MLP, epochs=3), (28, 20)) == [(0, 3, (28, 20), (28, 20))]


def test_standard_scaling_brings_training_pixels_to_mean_0_and_deviation_1():
    rows = stripes(40)
    factor, summand = scale(rows, "standard")
    scaled = rows.images.astype(float) * factor + summand
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std() == pytest.approx(1, abs=1e-6)
    assert scale(rows, "unit") == ([1 / 255], [0.0])


def test_an_epoch_shows_every_picture_once_but_for_a_last_short_batch():
    rows = stripes(40)
    goals = targets(rows.labels, 2, "softmax")
    epoch = Epoch(rows, goals, rows.index, network(MLP), Augment(), epoch=3, size=(12, 12))
    shown = [epoch[i] for i in range(len(epoch))]
    assert [len(x) for x, _ in shown] == [16, 16]
    seen = np.concatenate([x for x, _ in shown])
    assert len(np.unique(seen.reshape(32, -1), axis=0)) == 32
    again = epoch[1]
    assert np.array_equal(again[0], shown[1][0])
    assert np.array_equal(again[1], shown[1][1])


@pytest.mark.parametrize("mix", [0.0, 0.7])
def test_batches_made_at_one_go_are_those_made_one_by_one(mix, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 3 * 4 * 12 * 12)  # bytes of 3 batches of 4
    rows = stripes(46)
    goals, changes = targets(rows.labels, 2, "softmax"), Augment(shift_pixels=1.0, border="edge")
    params = network(MLP, batch_size=4, mix=mix)
    epoch = Epoch(rows, goals, rows.index, params, changes, epoch=3, size=(12, 12))
    spans = list(epoch.spans())
    assert spans == [(0, 1), (1, 3), (3, 6), (6, 9), (9, 11)]
    blocks = [epoch.block(*span) for span in spans]
    singly = [epoch[i] for i in range(len(epoch))]
    for part in (0, 1):  # pictures and goals
        at_one_go = np.concatenate([block[part] for block in blocks])
        assert np.array_equal(at_one_go, np.stack([batch[part] for batch in singly]))


def test_each_epoch_is_fed_its_own_batches_in_order():
    rows = stripes(70)
    goals = targets(rows.labels, 2, "softmax")

    def epoch(n):
        return Epoch(rows, goals, rows.index, network(MLP), Augment(), epoch=n, size=(12, 12))

    for n, batches_of_one in enumerate(fed(epoch(n) for n in range(3))):
        assert len(batches_of_one) == len(epoch(n)) == 4
        for batch, (pictures, answers) in enumerate(batches_of_one):
            assert np.array_equal(pictures, epoch(n)[batch][0])
            assert np.array_equal(answers, epoch(n)[batch][1])


def test_targets_suit_the_head():
    labels = np.array([0, 1, 1])
    assert targets(labels, 2, "logit").tolist() == [[0.0], [1.0], [1.0]]
    assert targets(labels, 3, "softmax").tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_a_single_logit_becomes_two_probabilities():
    assert np.allclose(probabilities_of(np.float32([[0.0], [100.0]])), [[0.5, 0.5], [0.0, 1.0]])


def test_views_are_all_shifts_straight_and_mirrored(workspace):
    images = stripes(3).images
    test_time = network(MLP, test_time={"mirror": True, "shifts": [[1, 0]], "size": None}).test_time
    straight, down, mirrored, mirrored_down = views(images, test_time)
    assert np.array_equal(straight, images)
    assert np.array_equal(down[:, 1:], images[:, :-1])
    assert np.array_equal(mirrored, images[:, :, ::-1])
    assert np.array_equal(mirrored_down, down[:, :, ::-1])
    assert np.array_equal(shifted(images, (0, -2))[:, :, :-2], images[:, :, 2:])


def test_averaged_weights_follow_with_momentum():
    start = averaged(None, [np.float32([2.0])], 0.75)
    assert averaged(start, [np.float32([6.0])], 0.75)[0] == pytest.approx([3.0])


def test_a_row_of_the_table_is_rounded(workspace):
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=np.float32(0.123456789)))
    seen = {"loss": [9.0, 0.123456789], "accuracy": [0.0, 1.0]}
    phase = phases(network(MLP), (12, 12))[0]
    row = row_of(4, phase, model, seen, {"loss": 0.5, "accuracy": 0.25})
    assert list(row.values()) == [5, 12, 0.123457, 0.123457, 1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("architecture", "changes", "said"),
    [
        (
            MLP,
            {"test_time": {"mirror": False, "shifts": [], "size": 16}},
            "test_time.size in params.yaml: expected 12x12 pixels as prepared, the only size that "
            "an mlp takes, got 16x16",
        ),
        (
            CNN,
            {"resolutions": [{"start": 0, "size": 6, "source": 8}]},
            "resolutions in params.yaml: expected 12x12 pixels as prepared",
        ),
        (
            CNN | {"filters": [4] * 4, "dropout": [0.0] * 4},
            {},
            "prepare in params.yaml: expected at least 16 pixels a side, which the cnn halves "
            "away, got 12x12",
        ),
    ],
)
def test_sizes_that_a_network_cannot_take_are_refused_before_training(
    architecture, changes, said, tmp_path
):
    with pytest.raises(StageError, match=re.escape(said)):
        trained(tmp_path / "model", network(architecture, **changes))


@settings(max_examples=12, deadline=None)
@given(
    stride=st.integers(1, 3),
    downs=st.lists(st.sampled_from(["none", "stride", "pool"]), min_size=1, max_size=4),
)
def test_the_least_side_is_the_least_that_can_be_built(stride, downs):
    blocks = [
        {"width": 2, "downsample": down, "convolutions": 0, "residual": False} for down in downs
    ]
    params = network(RESNET | {"stem_stride": stride, "blocks": blocks})
    least = architectures.least_side(params.architecture)

    def smallest(side):
        x = keras.Input((side, side, 1))
        return keras.Model(x, architectures.resnet(x, params.architecture)).output_shape

    assert smallest(least)[0] is None
    if least > 1:
        with pytest.raises(ValueError, match=r"Computed output size|[nN]egative"):
            smallest(least - 1)


def test_moments_are_those_of_all_pixels():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 5, 4, 3), dtype=np.uint8)
    index = np.array([7, 0, 3, 3])
    rows = Rows(images, index, index, [], [], ["a"])
    mean, deviation = moments(rows)
    pixels = images[index].reshape(-1, 3).astype(float)
    assert np.allclose(mean, pixels.mean(axis=0), rtol=1e-12)
    assert np.allclose(deviation, pixels.std(axis=0), rtol=1e-12)
