"""Where a network runs, and everything that must be said before it does.

Keras code here runs on any backend. What is special about one stands in this file: the
number of threads (which changes the bits of a result), determinism, memory growth, and
what exactly is missing when a GPU was asked for. There is no silent change to the CPU.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras

from tasks.stage import StageError

Device = Literal["auto", "cpu", "gpu"]


def set_up(*, seed: int, threads: int, device: Device, precision: str) -> None:
    """Seed everything, pin the threads and choose the device, before any tensor is made.

    Raises:
        StageError: if a GPU is asked for and there is none; says what is missing.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    if keras.backend.backend() == "tensorflow":
        set_up_tensorflow(threads, device)
    elif device == "gpu" and not gpus():
        raise StageError(no_gpu(f"the Keras backend '{keras.backend.backend()}' lists none"))


def set_up_tensorflow(threads: int, device: Device) -> None:
    """Say to TensorFlow what `set_up` says to all."""
    import tensorflow as tf

    if device == "gpu" and not gpus():
        built = tf.test.is_built_with_cuda()
        raise StageError(
            no_gpu(
                "TensorFlow finds none although it has CUDA; a library or the driver does not load"
                if built
                else "this TensorFlow was built without CUDA; install the extra 'gpu', not 'cpu'"
            )
        )
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
    except RuntimeError:  # already running in this process, with what was said first
        if tf.config.threading.get_intra_op_parallelism_threads() not in (0, threads):
            raise
    tf.config.experimental.enable_op_determinism()


def no_gpu(reason: str) -> str:
    """Say what is missing, and what else the machine shows."""
    driver = "nvidia-smi is there" if shutil.which("nvidia-smi") else "nvidia-smi is not there"
    node = "/dev/nvidia0 exists" if os.path.exists("/dev/nvidia0") else "no /dev/nvidia0"
    return (
        f"device is 'gpu': expected at least one GPU, got none: {reason} ({driver}, {node}). "
        "Mend that, or set device to 'auto' or 'cpu' in params.yaml."
    )


def gpus() -> list[str]:
    """Return the names of the GPUs that the backend sees."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [gpu.name for gpu in tf.config.list_physical_devices("GPU")]
    if backend == "jax":
        import jax

        return [str(device) for device in jax.devices() if device.platform == "gpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


@contextmanager
def all_devices(device: Device) -> Iterator[None]:
    """Split each batch over all GPUs while the block builds and trains a model."""
    if device == "cpu" or len(gpus()) < 2:
        yield
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.MirroredStrategy().scope():
            yield
    else:
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        yield
