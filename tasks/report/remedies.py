"""What a recipe does against overfitting."""

from typing import NamedTuple

from tasks.params import Convnet, Network, Perceptron


class Remedies(NamedTuple):
    """Which remedies are in a recipe; None where its family of models has no such thing."""

    best_epoch: bool | None  # its weights are kept, instead of the last ones
    mixing: bool | None
    dropout: bool | None
    weight_decay: bool
    label_smoothing: bool


def remedies(train: Network | Perceptron | Convnet) -> Remedies:
    """Read them from the parameters of a training."""
    smoothing = train.label_smoothing > 0
    if isinstance(train, Convnet):
        return Remedies(None, None, None, train.sgd.weight_decay > 0, smoothing)
    if isinstance(train, Perceptron):
        return Remedies(None, None, None, train.weight_decay > 0, smoothing)
    rates = train.architecture.dropout
    return Remedies(
        best_epoch=train.keep == "best",
        mixing=train.mix > 0,
        dropout=any(rates) if isinstance(rates, list) else rates > 0,
        weight_decay=train.optimizer.weight_decay > 0,
        label_smoothing=smoothing,
    )
