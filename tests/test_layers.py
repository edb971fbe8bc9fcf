"""The first layer that differs, in real `.keras` files."""

import io
import zipfile

import h5py
import numpy as np
import pytest

from flows.verify.layers import CONFIG, WEIGHTS, first_array, first_layer, member


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Save a network whose layers do not stand in the order of the alphabet; return its bytes."""
    keras = pytest.importorskip("keras")
    inputs = keras.Input((4, 4, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(2, 3, name="zebra")(x)
    x = keras.layers.BatchNormalization(name="ape")(x)
    outputs = keras.layers.Dense(3, name="bee")(keras.layers.Flatten()(x))
    path = tmp_path_factory.mktemp("network") / "model.keras"
    keras.Model(inputs, outputs).save(path)
    return path.read_bytes()


def repacked(model, **members):
    """Return a `.keras` file with some members replaced; `__` stands for the dot in a name."""
    text = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(model)) as old, zipfile.ZipFile(text, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.replace(".", "__"), old.read(name)))
    return text.getvalue()


def nudged(model, *layers):
    """Return a `.keras` file with one number of each of some layers changed."""
    file = io.BytesIO(member(model, WEIGHTS))
    with h5py.File(file, "r+") as weights:
        for name in layers:
            group = next(g for g in weights["layers"].values() if g["vars"].attrs["name"] == name)[
                "vars"
            ]
            numbers = group["0"][()]
            numbers.flat[1] += np.float32(0.5)
            group["0"][...] = numbers
    return repacked(model, **{WEIGHTS.replace(".", "__"): file.getvalue()})


@pytest.mark.parametrize("layer", ["zebra", "ape", "bee"])
def test_the_layer_with_one_changed_number_is_named(network, layer):
    told = first_layer(network, nudged(network, layer))
    assert f"layer '{layer}', array 1 of shape" in told
    assert "1 of" in told
    assert "by at most 0.5" in told


def test_the_first_layer_is_that_of_the_model_not_of_the_alphabet(network):
    assert "'zebra'" in first_layer(network, nudged(network, "ape", "bee", "zebra"))
    assert "'ape'" in first_layer(network, nudged(network, "bee", "ape"))


def test_equal_weights_in_another_file_point_to_what_differs_beside_them(network):
    other = repacked(network, config__json=member(network, CONFIG).replace(b"zebra", b"zebre"))
    assert first_layer(network, other) == "all weights are the same; 'config.json' differs"
    assert first_layer(network, network + b" ").endswith("how they are packed differs")


def arrays(**named):
    """Return an `.npz` file with some arrays."""
    file = io.BytesIO()
    np.savez(file, **named)
    return file.getvalue()


def test_the_array_with_one_changed_number_is_named_with_its_place():
    matrix, bias = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
    changed = matrix.copy()
    changed[1, 1] = 1.5
    told = first_array(arrays(matrix=matrix, bias=bias), arrays(matrix=changed, bias=bias + 1))
    assert told == ("'matrix', array 1 of shape (3, 2): 1 of 6 numbers differ, by at most 0.5")
    assert "array 2 of" in first_array(arrays(a=matrix, b=bias), arrays(a=matrix, b=bias + 1))


def test_arrays_of_another_shape_or_name_differ():
    short, long = np.zeros(2), np.zeros(3)
    assert first_array(arrays(a=short), arrays(a=long)) == "'a' has another shape"
    assert first_array(arrays(a=short), arrays(a=short, b=long)) == "'b' has another shape"
    assert "packed" in first_array(arrays(a=short), arrays(a=short))
