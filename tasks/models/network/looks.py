"""What the device is told of one epoch: which pictures, and what happens to each of them.

It is some hundred bytes per picture, drawn at one go; the pixels themselves are sent along with
each batch only if the dataset is too large to be kept on the device, which changes no result.
"""

from typing import Any

import numpy as np
from jaxtyping import Int64

from tasks.images import augmentation, mixing
from tasks.images.randomness import mix
from tasks.images.samples import Rows
from tasks.models.network.batches import Shuffled
from tasks.params import Augment
from tasks.stage import StageError

KEPT = 2**31  # bytes of pixels that are kept on the device, at most


def check(changes: Augment) -> None:
    """Refuse what is only made on the host.

    Raises:
        StageError: if there is noise, which is drawn pixel by pixel.
    """
    if changes.noise:
        raise StageError(
            "augment.noise is drawn pixel by pixel on the host: expected none with augment_on "
            f"'device', got {changes.noise}. Set augment_on to 'host' in params.yaml."
        )


def kept(rows: Rows) -> np.ndarray | None:
    """Return the pixels that the device keeps, or none if they are too many."""
    size = rows.images.itemsize * len(rows) * rows.images[0].size
    return rows.pixels() if size <= KEPT else None


class Looks(Shuffled):
    """The batches of one epoch, to be augmented on the device.

    Args:
        *what: is shuffled, as in `Shuffled`.
        epoch: counted from 0.
        size: height and width that the network sees.
        send: whether the pixels come along.
    """

    def __init__(
        self,
        *what: Any,  # noqa: ANN401 (as there)
        epoch: int,
        size: tuple[int, int],
        send: bool,
    ) -> None:
        super().__init__(*what, epoch=epoch, size=size)
        self.send = send
        self.moves = augmentation.draw(
            self.rows.images.shape[1:],
            self.index,
            self.changes,
            seed=self.params.seed,
            epoch=epoch,
            size=size,
        )

    def __getitem__(self, batch: int) -> tuple[dict[str, Any], np.ndarray]:
        some = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        mixture = mixing.draw(
            self.size, self.params.mix, seed=self.params.seed, epoch=self.epoch, batch=batch
        )
        goals = self.goals[some]
        if mixture != mixing.UNMIXED:
            goals = mixing.shared_out(goals, mixture.share)
        return self.told(some) | repeated(mixture, len(some)), goals

    def told(self, some: Int64[np.ndarray, "b"]) -> dict[str, Any]:
        """Return what happens to some pictures, and where their pixels are."""
        moves = {
            name: getattr(self.moves, name)[some].astype(np.float32)
            for name in ("affine", "factor", "summand", "saturation", "erase")
        }
        noise, channels = self.moves.noise[some], range(self.rows.images.shape[3])
        colour = np.stack([mix(noise + np.uint64(c)) >> np.uint64(56) for c in channels], axis=1)
        where = {"images": self.rows.pixels(some)} if self.send else {"rows": some.astype(np.int32)}
        return {**moves, **where, "colour": colour.astype(np.float32)}


def repeated(mixture: mixing.Mixture, count: int) -> dict[str, np.ndarray]:
    """Return how a batch is mixed, for each of its pictures."""
    return {
        "kept": np.full(count, mixture.kept, np.float32),
        "pasted": np.tile(np.array(mixture.pasted, np.float32), (count, 1)),
    }
