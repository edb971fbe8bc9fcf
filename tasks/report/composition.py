"""What a dataset consists of: images per class and split, and copies that `check` found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.tables import Row, rows_of
from tasks.report.wording import counted, listed, percent
from tasks.stage import CHECKS, SPLITS

EXAMPLES = 5  # copies that the page names
HANDLED = {
    "leaks": "They were left where they are.",
    "dropped": "The copies farther from the test set were left out of training.",
    "refused": "So nothing was trained on it.",
}


@dataclass(frozen=True)
class Composition:
    """The data of one dataset.

    Attributes:
        splits: names of the columns.
        rows: a class and its number of images in each split.
        totals: of each split.
        origins: where the validation and the test set come from, in words.
        copies: what was found about copies, and what was done, in words.
        examples: pairs of copies, as (id, split, label, other id, other split, other label).
    """

    splits: Sequence[str]
    rows: list[tuple[str, list[int]]]
    totals: list[int]
    origins: str
    copies: str
    examples: list[tuple[str, ...]]


def read_composition(dataset: str) -> Composition | None:
    """Read what `split` and `check` wrote; None before `split` has run."""
    path = SPLITS / f"{dataset}.summary.json"
    if not path.exists():
        return None
    summary = json.loads(path.read_text(encoding="utf-8"))
    counts: dict[str, dict[str, int]] = summary["counts"]
    splits = [split for split in ("train", "val", "test") if split in counts]
    classes = sorted({label for of_split in counts.values() for label in of_split})
    leaks = rows_of(CHECKS / dataset / "pairs.csv")
    worst = sorted(leaks, key=order_of)
    return Composition(
        splits=splits,
        rows=[(label, [counts[s].get(label, 0) for s in splits]) for label in classes],
        totals=[sum(counts[s].values()) for s in splits],
        origins=f"Validation: {summary['val_is']}. Test: {summary['test_is']}.",
        copies=describe_copies(dataset),
        examples=[tuple(leak.values())[:6] for leak in worst[:EXAMPLES]],
    )


def order_of(copy: Row) -> tuple[bool, bool, str]:
    """Sort copies with different labels first, then those across splits."""
    return copy["label"] == copy["other_label"], copy["split"] == copy["other_split"], copy["id"]


def describe_copies(dataset: str) -> str:
    """Say how many copies there are, how many leak, and what was done about them."""
    path = CHECKS / f"{dataset}.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    pairs = {kind: sum(counts.values()) for kind, counts in found["copies"].items()}
    if not any(pairs.values()):
        return "No two pictures are copies of each other, as far as check sees."
    kinds = listed([f"{n:,} {kind}" for kind, n in pairs.items() if n])
    text = f"Pairs of copies: {kinds}."
    if conflicting := sum(found["conflicting_labels"].values()):
        text += f" In {counted(conflicting, 'pair')} the two carry different labels."
    if found["verdict"] == "clean":
        return f"{text} None of them stand in different splits."
    leaked = counted(found["leaked_test_images"], "test picture")
    share = percent(found["leaked_test_share"], 2)
    return (
        f"{text} Across splits: {leaked} ({share}) and {found['leaked_val_images']:,} of val. "
        f"{HANDLED[found['verdict']]}"
    )
