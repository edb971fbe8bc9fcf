"""What a dataset consists of: images per class and split, and copies that `split` found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.tables import rows_of
from tasks.report.wording import counted, listed
from tasks.stage import SPLITS

EXAMPLES = 5  # copies that the page names
HANDLED = {
    "warn": "They were left where they are.",
    "drop_from_train": "The copies outside the test set were dropped.",
    "fail": "Copies across the test border would have been refused.",
}


@dataclass(frozen=True)
class Composition:
    """The data of one dataset.

    Attributes:
        splits: names of the columns.
        rows: a class and its number of images in each split.
        totals: of each split.
        origins: where the validation and the test set come from, in words.
        copies: what was found about exact copies, and what was done, in words.
        examples: pairs of copies, as (id, split, label, other id, other split, other label).
    """

    splits: Sequence[str]
    rows: list[tuple[str, list[int]]]
    totals: list[int]
    origins: str
    copies: str
    examples: list[tuple[str, ...]]


def read_composition(dataset: str) -> Composition | None:
    """Read what `split` wrote; None before it has run."""
    path = SPLITS / f"{dataset}.summary.json"
    if not path.exists():
        return None
    summary = json.loads(path.read_text(encoding="utf-8"))
    counts: dict[str, dict[str, int]] = summary["counts"]
    splits = [split for split in ("train", "val", "test", "dropped") if split in counts]
    classes = sorted({label for of_split in counts.values() for label in of_split})
    leaks = rows_of(SPLITS / f"{dataset}.leaks.csv")
    worst = sorted(leaks, key=lambda leak: (leak["label"] == leak["other_label"], leak["id"]))
    return Composition(
        splits=splits,
        rows=[(label, [counts[s].get(label, 0) for s in splits]) for label in classes],
        totals=[sum(counts[s].values()) for s in splits],
        origins=f"Validation: {summary['val_is']}. Test: {summary['test_is']}.",
        copies=describe_copies(summary),
        examples=[tuple(leak.values()) for leak in worst[:EXAMPLES]],
    )


def describe_copies(summary: dict[str, object]) -> str:
    """Say how many exact copies there are, where, and what was done about them."""
    copies: dict[str, int] = summary["copies"]  # type: ignore[assignment]
    if not copies:
        return "No two pictures are exact copies of each other."
    found = listed([f"{n:,} {kind}" for kind, n in sorted(copies.items())])
    text = f"Exact copies of another picture: {found}."
    if conflicting := summary["conflicting_labels"]:
        pairs = counted(int(str(conflicting)), "pair")
        text += f" In {pairs} the two carry different labels, so one of them is wrong."
    if summary["duplicates"] == "drop_from_train" and not summary["dropped"]:
        return text
    return f"{text} {HANDLED[str(summary['duplicates'])]}"
