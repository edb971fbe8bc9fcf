"""The perceptron's arithmetic against what it should be, and whole trainings on few pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from tasks.images.augmentation import augment
from tasks.images.randomness import order
from tasks.images.scaling import scale
from tasks.models.checkpoint import FILE
from tasks.models.history import EPOCHS, told
from tasks.models.loading import load_classifier
from tasks.models.perceptron.checkpoint import Checkpoint
from tasks.models.perceptron.course import at_rest, cross_entropy, goals_of, rate, step
from tasks.models.perceptron.layers import Layer, begin, gradients, outputs
from tasks.models.perceptron.lessons import Scaling, lessons
from tasks.models.perceptron.training import fit
from tasks.models.softmax import softmax
from tasks.params import Augment, Perceptron
from tasks.stage import StageError

from .test_training import PREPARE, part, stripes

CHANGES = Augment(one_pixel_shifts=True, border="zero", noise=2.0)
UNCHANGED = Scaling(np.float32([1]), np.float32([0]))


def perceptron(**changes) -> Perceptron:
    return Perceptron.model_validate(
        {
            "model": "perceptron",
            "seed": 0,
            "hidden": [24, 16],
            "normalise": "standard",
            "epochs": 4,
            "batch_size": 16,
            "learning_rate": 0.05,
            "warmup": 0.2,
            "final_share": 0.01,
            "momentum": 0.9,
            "weight_decay": 0.001,
            "label_smoothing": 0.05,
        }
        | changes
    )


# ---- arithmetic -----------------------------------------------------------------------


def loss_of(layers, inputs, goals):
    return -(goals * log_softmax(outputs(layers, inputs)[-1], axis=1)).sum(axis=1).mean()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 5), min_size=2, max_size=5))
def test_gradients_are_what_the_loss_changes_by(seed, sizes):
    random = np.random.default_rng(seed)
    layers = [Layer(*(random.normal(size=a.shape) for a in layer)) for layer in begin(seed, sizes)]
    inputs, goals = random.normal(size=(4, sizes[0])), random.dirichlet(np.ones(sizes[-1]), size=4)
    *taken, logits = outputs(layers, inputs)
    said = np.exp(log_softmax(logits, axis=1))
    found = gradients(layers, taken, (said - goals) / 4)
    for layer, slopes in zip(layers, found, strict=True):
        for weights, slope in zip(layer, slopes, strict=True):
            towards, tiny = random.normal(size=weights.shape), 1e-6
            weights += tiny * towards
            above = loss_of(layers, inputs, goals)
            weights -= 2 * tiny * towards
            below = loss_of(layers, inputs, goals)
            weights += tiny * towards
            assert (slope * towards).sum() == pytest.approx((above - below) / (2 * tiny), abs=1e-4)


def test_one_step_is_nesterovs():
    layers, params = begin(0, [3, 2]), perceptron(weight_decay=0.1)
    inputs, goals = np.float32([[1, 2, 3], [0, 1, 0]]), np.float32([[1, 0], [0, 1]])
    state = at_rest([Layer(*(array.copy() for array in layer)) for layer in layers])
    state.speeds[0].matrix[:] = 0.5
    *taken, logits = outputs(layers, inputs)
    slope = gradients(layers, taken, (softmax(logits) - goals) / 2)[0]
    speed = 0.9 * 0.5 - 0.2 * (slope.matrix + 0.1 * layers[0].matrix)
    moved = layers[0].matrix + 0.9 * speed - 0.2 * (slope.matrix + 0.1 * layers[0].matrix)
    assert np.array_equal(step(state, inputs, goals, 0.2, params), softmax(logits))
    assert np.allclose(state.speeds[0].matrix, speed, atol=1e-6)
    assert np.allclose(state.layers[0].matrix, moved, atol=1e-6)
    assert np.allclose(state.layers[0].bias, -(1 + 0.9) * 0.2 * slope.bias, atol=1e-6)


def test_the_first_weights_keep_the_variance_of_what_goes_through():
    layers = begin(3, [400, 300, 300, 300])
    inputs = np.random.default_rng(0).normal(size=(500, 400)).astype(np.float32)
    _, *hidden, logits = outputs(layers, inputs)
    assert [(h**2).mean() for h in hidden] == pytest.approx([1, 1], rel=0.2)
    assert (logits**2).mean() == pytest.approx(1, rel=0.2)
    assert all((layer.bias == 0).all() and layer.matrix.dtype == np.float32 for layer in layers)


def test_the_rate_rises_to_its_highest_and_falls_to_its_last():
    params = perceptron(learning_rate=0.2, warmup=0.25, final_share=0.1)
    rates = [rate(step, 40, params) for step in range(40)]
    assert rates.index(max(rates)) == 9
    assert max(rates) == pytest.approx(0.2)
    assert rates[-1] == pytest.approx(0.02)
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rate(0, 1, perceptron(warmup=0.0)) > 0


def test_the_loss_is_that_of_scikit_learn_and_finite_for_a_model_that_is_wrong_for_sure():
    random = np.random.default_rng(0)
    said, labels = random.dirichlet(np.ones(4), size=50).astype(np.float32), np.arange(50) % 4
    sure = goals_of(labels, 4, 0.0)
    assert cross_entropy(said, sure) == pytest.approx(log_loss(labels, said), rel=1e-5)
    assert np.isfinite(cross_entropy(sure[:, [1, 0, 2, 3]], sure))
    assert goals_of(labels, 4, 0.2)[0].tolist() == pytest.approx([0.85, 0.05, 0.05, 0.05])


# ---- what is seen ---------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [5, 16, 4000])
def test_an_epoch_shows_the_augmented_pictures_in_their_order_but_for_a_last_short_batch(
    batch_size, monkeypatch
):
    monkeypatch.setattr("tasks.models.perceptron.lessons.BLOCK", 144 * 32)
    rows, params = part(stripes(90), 4, 87), perceptron(batch_size=batch_size)
    batch = min(batch_size, 83)
    shown = list(lessons(rows, params, CHANGES, 3, UNCHANGED))
    some = order(params.seed, 3, 83)[: 83 // batch * batch]
    wanted = augment(
        rows.pixels(some), rows.index[some], CHANGES, seed=params.seed, epoch=3, size=(12, 12)
    )
    assert [len(inputs) for inputs, _ in shown] == [batch] * (83 // batch)
    assert np.array_equal(np.concatenate([i for i, _ in shown]), wanted.reshape(len(some), -1))
    assert np.array_equal(np.concatenate([said for _, said in shown]), rows.labels[some])


def test_inputs_are_scaled_channel_by_channel():
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 6, 3), dtype=np.uint8)
    images[..., 1] //= 4
    rows = part(stripes(20), 0, 20)
    rows = type(rows)(images, rows.index, rows.labels, rows.ids, rows.digests, rows.classes)
    scaled = Scaling.of_channels(scale(rows, "standard"), (4, 6, 3))
    channels = scaled(images).reshape(images.shape)
    assert channels.mean(axis=(0, 1, 2)) == pytest.approx([0, 0, 0], abs=1e-5)
    assert channels.std(axis=(0, 1, 2)) == pytest.approx([1, 1, 1], abs=1e-5)


# ---- whole trainings ------------------------------------------------------------------


def trained(folder, params, n=64, threads=2):
    folder.mkdir(exist_ok=True)
    rows = stripes(n)
    train, val = part(rows, 0, n - 16), part(rows, n - 16, n)
    scratch = folder.with_suffix(".scratch")
    return fit(train, val, params, CHANGES, PREPARE, threads, folder, scratch)


def test_a_few_epochs_tell_stripes_apart(tmp_path):
    history = trained(tmp_path / "model", perceptron(epochs=40), n=112)
    assert history.columns == EPOCHS
    assert [row[0] for row in history.rows] == list(range(1, 41))
    assert history.rows[-1][2] < history.rows[0][2]
    model, rows = load_classifier(tmp_path / "model", threads=2, memory_mib=64), stripes(160)
    probabilities = model.probabilities(rows.images)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities[112:].argmax(axis=1) == rows.labels[112:]).mean() > 0.9
    assert np.allclose(model.probabilities(rows.images[:3]), probabilities[:3], atol=1e-5)
    assert history.rows[-1][-1] == (probabilities[96:112].argmax(1) == rows.labels[96:112]).mean()


def test_a_training_that_was_ended_after_any_epoch_ends_with_the_same_bytes(
    tmp_path, monkeypatch, capsys
):
    whole, save = trained(tmp_path / "whole", perceptron()), Checkpoint.save
    for epochs in (1, 2, 4):

        def save_and_end(self, state, table, epochs=epochs):
            self.next_save = 0.0
            save(self, state, table)
            if len(table) == epochs:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Checkpoint, "save", save_and_end)
            with pytest.raises(KeyboardInterrupt):
                trained(tmp_path / "ended", perceptron())
    capsys.readouterr()
    assert trained(tmp_path / "ended", perceptron()) == whole
    assert "goes on after epoch 4" in capsys.readouterr().out
    for file in ("model.npz", "recipe.json"):
        ended, uninterrupted = (tmp_path / name / file for name in ("ended", "whole"))
        assert ended.read_bytes() == uninterrupted.read_bytes()


def test_a_checkpoint_that_cannot_be_read_is_as_good_as_none(tmp_path):
    (tmp_path / "model.scratch").mkdir()
    (tmp_path / "model.scratch" / FILE).write_bytes(b"PK half a file")
    assert trained(tmp_path / "model", perceptron()) == trained(tmp_path / "whole", perceptron())


def test_another_seed_gives_another_model(tmp_path):
    assert trained(tmp_path / "a", perceptron()) != trained(tmp_path / "b", perceptron(seed=1))


def test_a_rate_that_is_much_too_high_is_an_error_and_leaves_no_model(tmp_path):
    with pytest.raises(StageError, match=r"loss is not finite in epoch .* Lower learning_rate"):
        trained(tmp_path / "model", perceptron(learning_rate=1e30, momentum=0.99))
    assert list((tmp_path / "model").iterdir()) == []


def test_a_row_is_told_with_six_digits(capsys):
    assert told([1, 0.1, 1 / 3, 0.5, 2 / 3, 0.25], 4, "") == [1, 0.1, 0.333333, 0.5, 0.666667, 0.25]
    assert capsys.readouterr().out.startswith("epoch 1/4: train loss 0.3333 accuracy 0.5000")
