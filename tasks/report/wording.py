"""Numbers as a person reads them."""

from collections.abc import Sequence


def percent(share: float, digits: int = 1) -> str:
    """Return a share as per cent: `98.6 %`."""
    return f"{100 * share:.{digits}f} %"


def points(high: float, low: float) -> str:
    """Return the difference of two shares, as their rounded per cents differ on the page."""
    return f"{round(100 * high, 1) - round(100 * low, 1):.1f} points"


def certainty(probability: float) -> str:
    """Return a probability that never reads as certain when it is not: `97 %`, `99.8 %`."""
    if 0.995 <= probability < 1:
        return f"{min(99.9, 100 * probability):.1f} %"
    return f"{100 * probability:.0f} %"


def distance(value: float) -> str:
    """Return a distance with as many digits as tell neighbours apart."""
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.1f}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return `1 picture` or `2,000 pictures`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
