"""The networks, each one function from its parameters to logits.

Every network takes raw pixels, uint8 (n, h, w, c) in 0..255: scaling is its first layer,
so a saved model cannot be fed wrongly scaled pictures. What comes out are logits.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from tasks.params import Block, Cnn, Mlp, Network, ResNet
from tasks.stage import StageError

Tensor = Any
Architecture = Mlp | Cnn | ResNet


def build(
    params: Network,
    shape: tuple[int, int, int],
    classes: int,
    scale: tuple[list[float], list[float]],
) -> keras.Model:
    """Build a network for `classes` classes.

    Args:
        params: of the training.
        shape: height, width and channels of the prepared images. A residual network takes
            any height and width, whatever is said here.
        classes: at least 2.
        scale: factor and summand per channel of the first layer.
    """
    architecture = params.architecture
    free = isinstance(architecture, ResNet)
    inputs = keras.Input((None, None, shape[2]) if free else shape, dtype="uint8")
    x = layers.Rescaling(*scale)(inputs)
    x = FAMILIES[architecture.name](x, architecture)
    outputs = 1 if params.head == "logit" else classes
    return keras.Model(inputs, layers.Dense(outputs, dtype="float32")(x))


def check(params: Network, shape: tuple[int, ...]) -> None:
    """Refuse sizes of images that the network cannot take.

    Args:
        params: of the training.
        shape: height, width and channels of the prepared images.

    Raises:
        StageError: with the parameter to change.
    """
    architecture, prepared = params.architecture, (shape[0], shape[1])
    sizes = [("prepare", prepared)]
    sizes += [("resolutions", (r.size, r.size)) for r in params.resolutions]
    if size := params.test_time.size:
        sizes.append(("test_time.size", (size, size)))
    least = least_side(architecture)
    for where, (height, width) in sizes:
        if not isinstance(architecture, ResNet) and (height, width) != prepared:
            raise StageError(
                f"{where} in params.yaml: expected {shape[0]}x{shape[1]} pixels as prepared, the "
                f"only size that an {architecture.name} takes, got {height}x{width}."
            )
        if min(height, width) < least:
            raise StageError(
                f"{where} in params.yaml: expected at least {least} pixels a side, which the "
                f"{architecture.name} halves away, got {height}x{width}. Make the pictures larger, "
                "or the network less deep."
            )


def least_side(params: Architecture) -> int:
    """Return how many pixels a side leave one behind all strides and poolings."""
    least = 1
    if isinstance(params, Cnn):
        least = 2 ** len(params.filters)
    if isinstance(params, ResNet):
        for block in reversed(params.blocks):
            if block.downsample == "stride":
                least = 2 * least - 1  # of an odd number the larger half is left
            elif block.downsample == "pool":
                least *= 2
        least = params.stem_stride * (least - 1) + 1
    return least


def mlp(x: Tensor, params: Mlp) -> Tensor:
    """Dense layers with ReLU, then dropout."""
    x = layers.Flatten()(x)
    for units in params.hidden:
        x = layers.Dense(units, activation="relu")(x)
    return layers.Dropout(params.dropout)(x)


def cnn(x: Tensor, params: Cnn) -> Tensor:
    """3x3 convolutions, each with 2x2 pooling and perhaps dropout, then a dense layer."""
    for filters, rate in zip(params.filters, params.dropout, strict=True):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
        if rate:
            x = layers.Dropout(rate)(x)
    x = layers.Flatten()(x)
    return layers.Dense(params.dense, activation="relu")(x)


def resnet(x: Tensor, params: ResNet) -> Tensor:
    """Blocks of convolutions with batch normalisation, some with a shortcut, pooled globally.

    The shortcut goes around the later convolutions of a block (He et al. 2015,
    https://arxiv.org/abs/1512.03385); the first one changes width and size.
    """
    x = convolution(x, params.stem_width, params.stem_kernel, params.stem_stride)
    for block in params.blocks:
        x = residual_block(x, block)
    pooled = [pool()(x) for pool in POOLINGS[params.pooling]]
    x = layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    return layers.Dropout(params.dropout)(x)


def residual_block(x: Tensor, block: Block) -> Tensor:
    """Change width and size, then refine."""
    if block.downsample == "pool":
        x = layers.MaxPooling2D()(x)
    x = convolution(x, block.width, 3, 2 if block.downsample == "stride" else 1)
    shortcut = x
    for _ in range(block.convolutions):
        x = convolution(x, block.width, 3, 1)
    return layers.Add()([shortcut, x]) if block.residual and block.convolutions else x


def convolution(x: Tensor, width: int, kernel: int, stride: int) -> Tensor:
    """Convolution without bias, batch normalisation, ReLU."""
    x = layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x)


FAMILIES: dict[str, Callable[[Tensor, Any], Tensor]] = {"mlp": mlp, "cnn": cnn, "resnet": resnet}
POOLINGS: dict[str, list[type[layers.Layer]]] = {
    "max": [layers.GlobalMaxPooling2D],
    "mean": [layers.GlobalAveragePooling2D],
    "both": [layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D],
}
