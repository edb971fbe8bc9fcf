"""What was found in a dataset, and what is done about it.

A leak is a pair of copies in two splits. Of such a pair the picture farther from the test set
is the one that can go: the one in train, or the one in val if the other is in test. Test
pictures are never moved or dropped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.images.samples import SPLIT_NAMES, SplitName
from tasks.params import Check
from tasks.quality.census import Named
from tasks.quality.duplicates import Pair
from tasks.quality.oddities import Oddity


class Copy(NamedTuple):
    """One row of `pairs.csv`: a picture, and a copy that is as near to the test set, or nearer."""

    id: str
    split: SplitName
    label: str
    other_id: str
    other_split: SplitName
    other_label: str
    kind: str
    likeness: float

    @property
    def leaks(self) -> bool:
        """Whether the two stand in different splits."""
        return self.split != self.other_split

    @property
    def conflicts(self) -> bool:
        """Whether the two carry different labels."""
        return self.label != self.other_label


def copies(pairs: Sequence[Pair], called: Mapping[int, Named]) -> list[Copy]:
    """Name the pictures of pairs."""
    order = {name: at for at, name in enumerate(SPLIT_NAMES)}
    rows = []
    for pair in pairs:
        a, b = sorted(
            (called[at] for at in pair[:2]), key=lambda name: (order[name.split], name.id)
        )
        rows.append(Copy(*a, *b, pair.kind, pair.likeness))
    return sorted(rows)


def left_out(found: Sequence[Copy], params: Check) -> list[str]:
    """Return the ids of what must not be learned from; never one of test."""
    dropping = params.leaks == "drop_from_train"
    return sorted({copy.id for copy in found if copy.leaks}) if dropping else []


def verdict(found: Sequence[Copy], params: Check) -> str:
    """Say in one word what the check comes to: clean, leaks, dropped or refused."""
    if not any(copy.leaks for copy in found):
        return "clean"
    return {"warn": "leaks", "drop_from_train": "dropped", "fail": "refused"}[params.leaks]


def summary(
    found: Sequence[Copy],
    odd: Sequence[Oddity],
    counts: Counter[tuple[SplitName, str]],
    params: Check,
) -> dict[str, Any]:
    """Count what was found, in numbers that `dvc metrics diff` compares.

    Args:
        found: the copies.
        odd: the odd pictures.
        counts: of all pictures, by split and label.
        params: what is done about leaks, and what is odd.
    """
    labels = sorted({label for _, label in counts})
    of_test = sum(n for (split, _), n in counts.items() if split == "test")
    learned = [n for label in labels if (n := counts["train", label])]
    leaked = {copy.other_id for copy in found if copy.leaks and copy.other_split == "test"}
    return {
        "verdict": verdict(found, params),
        "leaked_test_images": len(leaked),
        "leaked_test_share": round(len(leaked) / max(of_test, 1), 6),
        "leaked_val_images": len(
            {copy.other_id for copy in found if copy.leaks and copy.other_split == "val"}
        ),
        "left_out_of_training": len(left_out(found, params)),
        "copies": {
            kind: dict(sorted(Counter(where(c) for c in found if c.kind == kind).items()))
            for kind in ("exact", "near", "mirrored")
        },
        "conflicting_labels": {
            kind: sum(copy.conflicts for copy in found if copy.kind == kind)
            for kind in ("exact", "near", "mirrored")
        },
        "odd": dict(sorted(Counter(oddity.kind for oddity in odd).items())),
        "classes_missing": {
            name: [label for label in labels if not counts[name, label]] for name in SPLIT_NAMES
        },
        "imbalance": round(max(learned, default=1) / min(learned, default=1), 3),
    }


def where(copy: Copy) -> str:
    """Name the splits that two copies stand in."""
    return f"{copy.split} and {copy.other_split}" if copy.leaks else f"within {copy.split}"


def warnings(found: dict[str, Any], params: Check) -> list[str]:
    """Say in words what a person should look at."""
    said = []
    if conflicting := found["conflicting_labels"]["exact"]:
        said.append(f"{conflicting:,} pairs of equal pictures carry different labels")
    for name, missing in found["classes_missing"].items():
        if missing:
            said.append(f"{name} has no picture of {', '.join(missing)}")
    if found["imbalance"] > params.imbalance:
        said.append(
            f"the most frequent class in train is {found['imbalance']:.1f} times as frequent as "
            "the rarest"
        )
    if empty := found["odd"].get("nearly empty"):
        said.append(f"{empty:,} pictures are nearly empty")
    return said
