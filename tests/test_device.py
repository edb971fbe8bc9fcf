import subprocess
import sys

import keras
import pytest

from tasks.models.network import device
from tasks.stage import StageError
from tests.conftest import ROOT


@pytest.mark.skipif(bool(device.gpus()), reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_missing_is_explained():
    expected = (
        r"device is 'gpu': expected at least one GPU, got none: this TensorFlow was built without "
        r"CUDA; install the extra 'gpu', not 'cpu' \(nvidia-smi is .*there, .*/dev/nvidia0.*\)"
    )
    with pytest.raises(StageError, match=expected):
        device.set_up(seed=0, threads=2, device="gpu", precision="float32")


def test_the_explanation_names_what_the_machine_shows():
    said = device.no_gpu("the Keras backend 'jax' lists none")
    assert said.startswith(
        "device is 'gpu': expected at least one GPU, got none: the Keras backend"
    )
    assert "lists none (nvidia-smi is " in said
    assert said.endswith("Mend that, or set device to 'auto' or 'cpu' in params.yaml.")


def test_setting_up_makes_the_same_weights_again():
    weights = []
    for _ in range(2):
        device.set_up(seed=7, threads=2, device="auto", precision="float32")
        layer = keras.layers.Dense(5)
        layer.build((None, 4))
        weights.append(layer.get_weights()[0])
    assert (weights[0] == weights[1]).all()


def test_a_process_with_one_device_does_not_split_its_batches():
    with device.all_devices("cpu"):
        assert keras.distribution.distribution() is None


@pytest.mark.slow
def test_networks_start_without_scikit_learn_and_leave_it_to_others():
    code = (
        "import sys, tasks.models.network, keras\n"
        "print(any(name.partition('.')[0] == 'sklearn' for name in sys.modules))\n"
        "import sklearn.base"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr[-1000:]
