"""The quick gradient of a convolution, against Keras' own on whatever backend runs."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tasks.models.network import keras_file
from tasks.models.network.convolution import quick_to_train, suits


def two_convolutions(first, second, width, seed):
    """Return a network in which a gradient goes back through the second to the first."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((None, None, 2)),
            layers.Conv2D(width, first, padding="same", use_bias=False),
            layers.Activation("tanh"),
            layers.Conv2D(3, second, padding="same", use_bias=False),
        ]
    )


def after_a_step(model, images, goals):
    model.compile(keras.optimizers.SGD(1.0), "mean_squared_error", jit_compile=False)
    model.train_on_batch(images, goals)
    return model.get_weights()


@settings(max_examples=8)
@given(
    st.integers(0, 2**20),
    st.sampled_from([(3, 3), (1, 3), (5, 1), (3, 5)]),
    st.integers(1, 4),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_a_step_is_that_of_keras(seed, kernels, width, size):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(3, *size, 2)).astype(np.float32)
    goals = rng.normal(size=(3, *size, 3)).astype(np.float32)
    ours = quick_to_train(two_convolutions(*kernels, width, seed))
    theirs = two_convolutions(*kernels, width, seed)
    assert [w.tobytes() for w in ours.get_weights()] == [w.tobytes() for w in theirs.get_weights()]
    before = theirs.get_weights()
    moved = [after_a_step(model, images, goals) for model in (ours, theirs)]
    for one, other, start in zip(*moved, before, strict=True):
        assert np.allclose(one, other, atol=1e-5)
        assert not np.allclose(one, start, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "quick"),
    [
        ({"padding": "same", "use_bias": False}, True),
        ({"padding": "same", "use_bias": True}, False),
        ({"padding": "valid", "use_bias": False}, False),
        ({"padding": "same", "use_bias": False, "strides": 2}, False),
        ({"padding": "same", "use_bias": False, "dilation_rate": 2}, False),
        ({"padding": "same", "use_bias": False, "kernel_size": 2}, False),
        ({"padding": "same", "use_bias": False, "groups": 2}, False),
    ],
)
def test_only_what_keeps_the_size_and_has_no_bias_is_quick(given, quick):
    layer = layers.Conv2D(**{"filters": 4, "kernel_size": 3} | given)
    assert suits(layer) is quick


def test_a_quick_network_is_saved_as_any_other(tmp_path):
    for name, change in (("a", quick_to_train), ("b", lambda model: model)):
        keras.utils.clear_session()
        keras_file.save(change(two_convolutions(3, 3, 4, 0)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
