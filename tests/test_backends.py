"""Keras networks on JAX, whose path a machine with a GPU and without TensorFlow's CUDA takes."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytest.importorskip("jax", reason="make jax installs it")

LEARN = """
from tests.test_training import MLP, network, stripes, trained
import sys, keras, numpy as np
from pathlib import Path
from tasks.models.loading import load_classifier
folder = Path(sys.argv[1])
history = trained(folder, network(MLP, epochs=15, precision=sys.argv[2], augment_on=sys.argv[3]))
rows = stripes(48)
said = load_classifier(folder, threads=2, memory_mib=64).probabilities(rows.images)
print(keras.backend.backend(), (said.argmax(axis=1) == rows.labels).mean() > 0.9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("augment_on", ["host", "device"])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_network_learns_on_jax_in_either_precision_to_the_same_bytes(
    precision, augment_on, tmp_path
):
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    for name in "ab":
        command = [sys.executable, "-c", LEARN, str(tmp_path / name), precision, augment_on]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.stdout.splitlines()[-1:] == ["jax True"], done.stderr[-1000:]
    assert (tmp_path / "a" / "model.keras").read_bytes() == (
        tmp_path / "b" / "model.keras"
    ).read_bytes()
