"""Load a model of any family from its folder."""

from pathlib import Path

from tasks.models.classifier import Classifier
from tasks.models.recipe import read_recipe


def load_classifier(folder: Path, *, threads: int, memory_mib: int) -> Classifier:
    """Load a model. Keras is imported only for a network, JAX only for a convnet.

    Args:
        folder: as `train` left it.
        threads: of one operation; another number gives other bits.
        memory_mib: of bounds that a search for neighbours holds; changes no result.

    Raises:
        StageError: if there is no model in the folder.
    """
    family = read_recipe(folder).train.model
    if family == "neighbours":
        from tasks.models.neighbours import trained as neighbours

        return neighbours.load(folder, memory_mib)
    if family == "perceptron":
        from tasks.models.perceptron import trained as perceptron

        return perceptron.load(folder, threads)
    if family == "convnet":
        from tasks.models.convnet import trained as convnet

        return convnet.load(folder, threads)
    from tasks.models.network import trained as network

    return network.load(folder, threads)
