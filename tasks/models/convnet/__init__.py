"""A whitened convolutional network for small images, trained in one compiled loop.

The recipe is that of the fastest known trainings on CIFAR-10 (Jordan 2024, "94% on CIFAR-10 in
3.29 seconds on a single GPU", https://arxiv.org/abs/2404.00498): a first convolution that
whitens, alternating flips, Muon, label smoothing, views at test time. Written for JAX, all of it
runs as one program: pixels, augmentation and weights stay on the device from start to end.
"""

from importlib.util import find_spec

from tasks.stage import StageError

if find_spec("jax") is None:
    raise StageError(
        "model 'convnet' runs on JAX: expected the package 'jax', got none. Run 'make jax', or "
        "'make jax-gpu' for an NVIDIA GPU."
    )
