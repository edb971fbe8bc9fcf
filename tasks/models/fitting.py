"""Fit a model of any family to an experiment's recipe."""

from pathlib import Path

from tasks.images.samples import Rows
from tasks.models.history import History
from tasks.params import Convnet, Experiment, Network, Params, Perceptron


def fit(
    train: Rows, val: Rows, experiment: Experiment, params: Params, folder: Path, scratch: Path
) -> History:
    """Train, write the model into an empty folder, return the table of its history.

    Args:
        train: what is learned from.
        val: what is watched.
        experiment: the recipe, with the seed.
        params: the whole file, for what stands above all experiments.
        folder: where the model goes; Keras is imported only for a network, JAX for a convnet.
        scratch: where the training finds and leaves how far it got.

    Raises:
        StageError: if the recipe cannot be followed on this data or this machine.
    """
    prepare = params.dataset(experiment.dataset).prepare
    if isinstance(experiment.train, Network):
        from tasks.models.network import training as network

        return network.fit(
            train, val, experiment.train, experiment.augment, prepare, params.threads,
            folder, scratch,
        )  # fmt: skip
    if isinstance(experiment.train, Perceptron):
        from tasks.models.perceptron import training as perceptron

        return perceptron.fit(
            train, val, experiment.train, experiment.augment, prepare, params.threads,
            folder, scratch,
        )  # fmt: skip
    if isinstance(experiment.train, Convnet):
        from tasks.models.convnet import training as convnet

        return convnet.fit(
            train, val, experiment.train, experiment.augment, prepare, params.threads,
            folder, scratch,
        )  # fmt: skip
    from tasks.models.neighbours import training as neighbours

    return neighbours.fit(train, val, experiment.train, prepare, params.memory_mib, folder, scratch)
