"""Train a network, and write it as a self-contained model folder."""

from pathlib import Path

import keras

from tasks.images.samples import Rows
from tasks.images.scaling import scale
from tasks.models.history import History
from tasks.models.network import architectures, device, keras_file
from tasks.models.network.checkpoint import Checkpoint
from tasks.models.network.convolution import quick_to_train
from tasks.models.network.course import course
from tasks.models.network.objective import compiled
from tasks.models.network.optimisers import optimiser
from tasks.models.network.trained import MODEL
from tasks.models.recipe import Recipe, write_recipe
from tasks.params import Augment, Network, Prepare
from tasks.stage import StageError

COLUMNS = [
    "epoch", "size", "learning_rate", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
]  # fmt: skip


def fit(
    train: Rows, val: Rows, params: Network, changes: Augment, prepare: Prepare, threads: int,
    folder: Path, scratch: Path,
) -> History:  # fmt: skip
    """Train, write the model into an empty folder, return the table of epochs.

    Args:
        train: what is learned from.
        val: what is watched.
        params: of the training.
        changes: what augmentation may do.
        prepare: how the pictures were prepared; a model tells it to those who use it.
        threads: of one operation.
        folder: where the model goes.
        scratch: where the training finds and leaves how far it got.

    Raises:
        StageError: if the head does not fit the classes or the network the images, the loss
            is not finite, or a GPU is asked for and missing.
    """
    if params.head == "logit" and len(train.classes) != 2:
        raise StageError(
            f"head is 'logit': expected 2 classes, got {len(train.classes)}. Set head to 'softmax' "
            "in params.yaml."
        )
    architectures.check(params, train.images.shape[1:])
    device.set_up(
        seed=params.seed, threads=threads, device=params.device, precision=params.precision
    )
    shape, scaling = train.images.shape[1:], scale(train, params.normalise)
    with device.all_devices(params.device):
        model = quick_to_train(architectures.build(params, shape, len(train.classes), scaling))
        steps = params.epochs * (len(train) // min(params.batch_size, len(train)))
        compiled(model, optimiser(params.optimizer, steps, model), params)
        table, weights = course(model, train, val, params, changes, Checkpoint(scratch))
    keras.utils.clear_session()  # so that names of layers start again
    keras.config.set_dtype_policy("float32")
    clean = architectures.build(params, shape, len(train.classes), scaling)
    clean.set_weights(weights)
    keras_file.save(clean, folder / MODEL)
    write_recipe(folder, Recipe(classes=train.classes, prepare=prepare, train=params))
    return History(COLUMNS, [list(row) for row in table])
