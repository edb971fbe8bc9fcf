"""What every trained model can do, whatever is inside."""

from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from tasks.models.recipe import Recipe


class Classifier(Protocol):
    """A trained model.

    Attributes:
        recipe: its classes, in the order of the columns of probabilities, and how pictures
            must be prepared for it.
        learned_by_heart: whether it holds its training images, so that scoring it on them
            says nothing.
    """

    @property
    def recipe(self) -> Recipe: ...  # noqa: D102 (see above)

    @property
    def learned_by_heart(self) -> bool: ...  # noqa: D102

    def probabilities(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Return a probability per class, rows summing to 1, for pixels in 0..255."""
        ...
