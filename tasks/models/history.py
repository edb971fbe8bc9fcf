"""What happened during a training, as the table that is plotted."""

import math
from typing import NamedTuple

from tasks.stage import StageError

EPOCHS = ["epoch", "learning_rate", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]


class History(NamedTuple):
    """Columns and rows of `history.csv`."""

    columns: list[str]
    rows: list[list[object]]


def told(row: list[float], epochs: int, remedy: str) -> list[float]:
    """Print a row of the columns `EPOCHS` for the log and return it, its numbers rounded.

    Raises:
        StageError: with a remedy, if the loss is not finite.
    """
    epoch, numbers = row[0], [round(float(number), 6) for number in row[1:]]
    _, train_loss, train_accuracy, val_loss, val_accuracy = numbers
    if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
        raise StageError(
            f"the loss is not finite in epoch {epoch}: expected a number, got train {train_loss}, "
            f"val {val_loss}. {remedy}"
        )
    print(
        f"epoch {epoch}/{epochs}: train loss {train_loss:.4f} accuracy {train_accuracy:.4f}, "
        f"val loss {val_loss:.4f} accuracy {val_accuracy:.4f}",
        flush=True,
    )
    return [epoch, *numbers]
