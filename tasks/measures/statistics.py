"""How far a number can be trusted."""

import math

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    It stays inside [0, 1] and keeps its coverage near the ends, where the usual
    plus-minus fails (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Args:
        successes: 0..n.
        n: at least 1.
        z: quantile of the normal distribution.
    """
    share, square = successes / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
