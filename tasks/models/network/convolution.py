"""Convolutions that train faster on a CPU, for their gradient is a convolution, too.

The gradient with respect to the images of a convolution of stride 1 that keeps their size is the
convolution of the gradient of its result with the same filters, turned by half a turn and with
input and output exchanged (Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285, chapter 4).
TensorFlow's own kernel for that gradient takes two to three times as long on a CPU as its
convolution does. The sums are the same but for the order of their terms.

Convolutions with a bias stay as they are: the networks of the source learn as there.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

Tensor = Any
Convolve = Callable[[Tensor, Tensor], Tensor]  # images (n, h, w, in), kernel (k, k, in, out)


def quick_to_train(model: keras.Model) -> keras.Model:
    """Give a network, in place, the quick gradient wherever it suits; it is saved as before."""
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and suits(layer):
            layer.convolution_op = with_quick_gradient(layer.convolution_op)
    return model


def suits(layer: layers.Conv2D) -> bool:
    """Say whether a convolution keeps the size of its images, and has no bias."""
    whole = layer.strides == (1, 1) and layer.dilation_rate == (1, 1) and layer.groups == 1
    odd = all(side % 2 for side in layer.kernel_size)
    return whole and odd and layer.padding == "same" and not layer.use_bias


def with_quick_gradient(convolve: Convolve) -> Convolve:
    """Return a convolution with the same result and the quick gradient."""

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def going_back(result: Tensor, images: Tensor, kernel: Tensor) -> Tensor:
        def gradient(*known: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor, Tensor]:
            upstream = known[0] if upstream is None else upstream
            turned = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
            return upstream, convolve(upstream, turned), ops.zeros_like(kernel)

        return result, gradient

    def quick(images: Tensor, kernel: Tensor) -> Tensor:
        kernel = ops.copy(kernel)  # read once: a second time it may have taken its step already
        result = convolve(ops.stop_gradient(images), kernel)
        return going_back(result, images, ops.stop_gradient(kernel))

    return quick
