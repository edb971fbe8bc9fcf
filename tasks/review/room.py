"""Room in a comment, whose length forges limit, and what had to be cut for want of it."""

from collections.abc import Sequence

from tasks.report.wording import counted, listed


class Room:
    """Characters that are left, and how much of what did not fit."""

    def __init__(self, characters: int) -> None:
        self.left = characters
        self.cut: dict[str, int] = {}

    def fits(self, text: str) -> bool:
        """Whether a text fits, with a line break after it."""
        return len(text) < self.left

    def take(self, texts: Sequence[str], noun: str) -> list[str]:
        """Return the texts that fit, the first ones first; count the others under a noun."""
        taken = []
        for text in texts:
            if self.fits(text):
                self.left -= len(text) + 1
                taken.append(text)
        self.leave(len(texts) - len(taken), noun)
        return taken

    def leave(self, n: int, noun: str) -> None:
        """Count what was left out."""
        if n:
            self.cut[noun] = self.cut.get(noun, 0) + n

    def describe_cut(self) -> str:
        """Return `12 notes and 3 pictures`; nothing if everything fitted."""
        return listed([counted(n, noun) for noun, n in self.cut.items()])
