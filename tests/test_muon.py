"""Muon beside Adam in Keras: against singular values, plain numpy and Keras' own Adam."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.models.network.muon import MuonWithAdam, orthogonalised
from tasks.models.network.optimisers import WarmThenFall, optimiser
from tasks.models.orthogonal import CUBIC, LINEAR, QUINTIC
from tasks.params import Augment, Optimizer
from tests.test_training import CNN, MLP, RESNET, network, trained

MUON = {"learning_rate": 0.2, "momentum": 0.6, "newton_schulz_steps": 3}
ADAM = {
    "name": "adamw", "learning_rate": 0.01, "schedule": "constant", "warmup": 0.0,
    "final_share": 1.0, "weight_decay": 0.1, "momentum": 0.9, "second_moment": 0.99,
}  # fmt: skip


def with_muon(**changes):
    return Optimizer.model_validate(ADAM | {"filters": MUON} | changes)


def polynomials(values, steps):
    for _ in range(steps):
        values = LINEAR * values + CUBIC * values**3 + QUINTIC * values**5
    return values


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.integers(1, 5), st.sampled_from([(6, 11), (11, 6), (5, 5)]))
def test_a_matrix_keeps_its_singular_vectors_and_its_values_take_the_polynomial(seed, steps, shape):
    matrix = np.random.default_rng(seed).normal(size=shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    expected = left * polynomials(values / np.linalg.norm(values), steps) @ right
    done = orthogonalised(keras.ops.convert_to_tensor(matrix, "float32"), steps)
    assert np.allclose(done, expected, atol=2e-4)


def test_a_matrix_of_zeros_stays_one():
    assert not np.any(orthogonalised(keras.ops.zeros((3, 5)), 3))


def learner(params):
    """Return a model of a convolution and a dense layer, and its optimiser."""
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(),
         keras.layers.Dense(2)]
    )  # fmt: skip
    made = optimiser(params, 100, model)
    made.build(model.trainable_variables)
    return model, made


def stepped(params, gradients):
    """Return the variables before any step and after each."""
    model, made = learner(params)
    course = [[v.numpy() for v in model.trainable_variables]]
    for step in gradients:
        made.apply([keras.ops.convert_to_tensor(g) for g in step])
        course.append([v.numpy() for v in model.trainable_variables])
    return course


def random_gradients(steps):
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 3, 4), (4,), (64, 2), (2,)]
    return [[rng.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(steps)]


def test_filters_take_the_steps_of_muon():
    gradients, params = random_gradients(3), with_muon(schedule="linear", warmup=0.1)
    course, rate = stepped(params, gradients), WarmThenFall(params, 100)
    momentum = np.zeros((3, 3, 3, 4))
    kernel = course[0][0].astype(np.float64)
    for i, (step, after) in enumerate(zip(gradients, course[1:], strict=True)):
        momentum = 0.6 * momentum + step[0]
        ahead = (step[0] + 0.6 * momentum).reshape(-1, 4)
        left, values, right = np.linalg.svd(ahead, full_matrices=False)
        orthogonal = left * polynomials(values / np.linalg.norm(values), 3) @ right
        length = float(rate(i)) * 0.2 / 0.01
        kernel = kernel * 2.0 / np.linalg.norm(kernel) - length * orthogonal.reshape(kernel.shape)
        assert np.allclose(after[0], kernel, atol=1e-4)


def test_all_that_is_no_filter_takes_the_steps_of_adam():
    gradients = random_gradients(3)
    keras.utils.set_random_seed(0)
    muon = stepped(with_muon(), gradients)
    keras.utils.set_random_seed(0)
    adam = stepped(with_muon(filters=None), gradients)
    for one, other in zip(muon, adam, strict=True):
        for with_it, without in zip(one[1:], other[1:], strict=True):
            assert np.array_equal(with_it, without)
    assert not np.allclose(muon[-1][0], adam[-1][0])


def test_the_rate_of_filters_goes_as_that_of_the_others():
    falling = with_muon(schedule="linear", final_share=0.0)
    course = stepped(falling, random_gradients(1) * 101)
    first, last = (np.abs(course[i + 1][0] - course[i][0]).max() for i in (1, 100))
    assert last < first / 50


def test_a_step_without_gradient_only_sets_the_norm_of_the_filters():
    nothing = [[np.zeros_like(g) for g in random_gradients(1)[0]]]
    before, after = (variables[0] for variables in stepped(with_muon(), nothing))
    assert np.allclose(after, before * 2.0 / np.linalg.norm(before), atol=1e-6)


def test_muon_trains_a_residual_network_twice_to_the_same_bytes(tmp_path):
    params = network(RESNET, optimizer=with_muon(schedule="cosine"), epochs=20)
    histories = [trained(tmp_path / name, params, Augment(flip="random")) for name in "ab"]
    models = [(tmp_path / name / "model.keras").read_bytes() for name in "ab"]
    assert models[0] == models[1]
    assert histories[0].rows[-1][histories[0].columns.index("train_accuracy")] > 0.9


@pytest.mark.parametrize("architecture", [CNN, MLP])
def test_muon_is_refused_where_no_normalisation_follows(architecture):
    with pytest.raises(ValidationError, match="expected architecture 'resnet' where optimizer"):
        network(architecture, optimizer=with_muon())


def test_muon_is_refused_beside_sgd():
    with pytest.raises(ValidationError, match="expected name 'adam' or 'adamw' beside filters"):
        with_muon(name="sgd")


def test_only_filters_by_muon_are_told_of_in_a_recipe():
    assert "filters" not in with_muon(filters=None).model_dump()
    assert with_muon().model_dump()["filters"] == MUON


def test_muon_is_taken_only_where_filters_are_given():
    assert isinstance(learner(with_muon())[1], MuonWithAdam)
    assert type(learner(with_muon(filters=None))[1]) is keras.optimizers.Adam
