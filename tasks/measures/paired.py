"""Whether a model beats another on the same test images, as plain numbers.

Of n images that two models saw, only the discordant ones, which one got right and the other
wrong, tell the models apart. So a difference is looked for among these, which finds much
smaller ones than two intervals side by side do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool
from scipy.fft import ifft, next_fast_len
from scipy.special import bdtr, betaincinv

SIGNIFICANT = 0.05  # p-values up to here tell a difference from chance
CONFIDENCE = 0.95
POWER = 0.8  # share of repetitions in which a difference that can be resolved is found


class Pairs(NamedTuple):
    """How many images the models before and after got right and wrong."""

    both: int  # right before and after
    gained: int  # right after only
    lost: int  # right before only
    neither: int

    @property
    def n(self) -> int:
        """Return the number of images."""
        return sum(self)

    @property
    def discordant(self) -> int:
        """Return the number of images that one model got right and the other wrong."""
        return self.gained + self.lost

    @property
    def difference(self) -> float:
        """Return accuracy after minus accuracy before, in -1..1."""
        return (self.gained - self.lost) / self.n


def pair(before: Bool[np.ndarray, "n"], after: Bool[np.ndarray, "n"]) -> Pairs:
    """Count images by whether the model before, and the one after, got them right."""
    return Pairs(
        both=int((before & after).sum()),
        gained=int((~before & after).sum()),
        lost=int((before & ~after).sum()),
        neither=int((~before & ~after).sum()),
    )


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of a difference; 1 without a discordant image.

    If the models are equally good, each discordant image is a fair coin (McNemar 1947,
    https://doi.org/10.1007/BF02295996).
    """
    if gained == lost:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def bootstrap_interval(pairs: Pairs) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the difference of accuracies, in -1..1.

    To draw images anew is to draw from a multinomial over the four counts, so the ends are
    those of infinitely many draws, computed exactly: no seed and no noise (Efron 1979,
    https://doi.org/10.1214/aos/1176344552). First one image is added that is gained and one
    that is lost, for without them too few discordant images give intervals that are too
    short, and none gives no width at all (as Bonett and Price 2012 do for the normal
    approximation, https://doi.org/10.3102/1076998611411915).
    """
    n, gained, lost = pairs.n + 2, pairs.gained + 1, pairs.lost + 1
    size = next_fast_len(2 * n + 1)
    turn = np.exp(-2j * np.pi * np.arange(size) / size)
    transform = ((n - gained - lost + gained * turn + lost / turn) / n) ** n
    chances = np.roll(ifft(transform).real, n)[: 2 * n + 1]  # of -n..n images more
    tail = (1 - CONFIDENCE) / 2
    low = np.searchsorted(np.cumsum(chances), tail)
    high = 2 * n - np.searchsorted(np.cumsum(chances[::-1]), tail)
    return float(low - n) / n, float(high - n) / n


def fewest_discordant() -> int:
    """Return the least number of discordant images that can be told from chance at all."""
    return next(m for m in range(1, 100) if mcnemar(m, 0) <= SIGNIFICANT)


def resolution(pairs: Pairs) -> float | None:
    """Return the smallest difference of accuracies that such a test set can resolve.

    That is the true difference that the exact McNemar test at 5 % finds, with the right
    sign, in 80 of 100 test sets with as many images and discordant images as this one (at
    least the fewest that can be told from chance).

    Returns:
        a share in 0..1, or None if no difference can be found on so few images.
    """
    discordant = max(pairs.discordant, fewest_discordant())
    if discordant > pairs.n:
        return None
    fewer = np.arange(discordant // 2 + 1)  # images that changed to the other side
    most = int((2 * bdtr(fewer, discordant, 0.5) <= SIGNIFICANT).sum()) - 1
    share = float(betaincinv(discordant - most, most + 1, POWER))  # inverts the binomial's tail
    return (2 * share - 1) * discordant / pairs.n


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that may be read one by one although there are several.

    The chance that any true null hypothesis gets one up to 0.05 is at most 0.05, whatever
    depends on what (Holm 1979, https://www.jstor.org/stable/4615733).
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = least
    return adjusted
