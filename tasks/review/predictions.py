"""What two models said of the same test images, side by side.

Test sets need not be the same: what is compared is what they have in common, and the notes
say what is not.
"""

import io
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.report.wording import counted, listed
from tasks.stage import StageError

COLUMNS = ["id", "label", "predicted"]  # followed by a probability per class
PROBABILITY = "p:"
ENOUGH = 10  # images of several classes; fewer may all be taken for one by chance


class Match(NamedTuple):
    """Test images that both models saw.

    Attributes:
        images: a row per image, by its id: `label`, the classes `was` and `now` predicted, and
            what probability the label had, `p_was` and `p_now`.
        notes: what a reader has to know of the test sets; empty if they are the same.
    """

    images: pd.DataFrame
    notes: list[str]


def parse(text: str, source: str) -> pd.DataFrame:
    """Read the CSV file that `evaluate` wrote.

    Args:
        text: of the file.
        source: names the file in an error.

    Returns:
        a row per image, by its id: `label`, `predicted`, and `p`, the label's probability.

    Raises:
        StageError: if it is not such a file.
    """
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        classes = [name for name in table.columns if name.startswith(PROBABILITY)]
        at = pd.Index([name.removeprefix(PROBABILITY) for name in classes])
        right = at.get_indexer(pd.Index(table["label"]))
        if list(table.columns) != COLUMNS + classes or right.min(initial=0) < 0:
            raise ValueError
        if table["id"].duplicated().any():
            raise ValueError
        probabilities = table[classes].to_numpy(float)
        if not np.isfinite(probabilities).all():
            raise ValueError
        table["p"] = probabilities[range(len(table)), right]
        return table.set_index("id")[["label", "predicted", "p"]]
    except (KeyError, ValueError):
        raise StageError(
            f"{source} is not what evaluate writes: expected the columns id, label, predicted and "
            "p:CLASS for every class, and a row per image. Run evaluate again (dvc repro)."
        ) from None


def align(before: pd.DataFrame, after: pd.DataFrame, *, repainted: Collection[str] = ()) -> Match:
    """Keep the images that both models saw under one label.

    Args:
        before: as `parse` returns it.
        after: likewise.
        repainted: ids of images whose pixels are not the same.
    """
    new_names = renamed(before, after)
    before = before.replace({"label": new_names, "predicted": new_names})
    both = before.add_suffix("_was").join(after.add_suffix("_now"), how="inner")
    same_label = both["label_was"] == both["label_now"]
    same_pixels = ~both.index.isin(list(repainted))
    common = both[same_label & same_pixels]
    images = pd.DataFrame(
        {
            "label": common["label_now"],
            "was": common["predicted_was"],
            "now": common["predicted_now"],
            "p_was": common["p_was"],
            "p_now": common["p_now"],
        }
    )
    apart = {
        "before only": len(before) - len(both),
        "after only": len(after) - len(both),
        "with another label": int((~same_label).sum()),
        "with other pixels": int((same_label & ~same_pixels).sum()),
    }
    there = sorted({*before["label"], *after["label"]})
    notes = describe_names(new_names) + describe_sets(apart, len(images))
    return Match(images, notes + (describe_classes(images, there) if len(images) else []))


def renamed(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, str]:
    """Return the new names of classes by their old ones, where only names changed.

    That is where the images that both have fall into the same classes as before, and no old
    name is in use for another class.
    """
    both = before.add_suffix("_was").join(after.add_suffix("_now"), how="inner")
    pairs = set(zip(both["label_was"], both["label_now"], strict=True))
    new_names = {old: new for old, new in pairs if old != new}
    one_to_one = len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    swapped = {*new_names} & {*after["label"]} or {*new_names.values()} & {*before["label"]}
    return dict(sorted(new_names.items())) if one_to_one and not swapped else {}


def describe_names(new_names: dict[str, str]) -> list[str]:
    """Say which classes have another name."""
    pairs = [f"'{old}' is now '{new}'" for old, new in new_names.items()]
    return [f"classes were renamed: {listed(pairs)}"] if pairs else []


def describe_sets(apart: dict[str, int], common: int) -> list[str]:
    """Say what the test sets do not have in common."""
    told = [f"{counted(n, 'image')} {how}" for how, n in apart.items() if n]
    if not told:
        return []
    rest = f"compared on the {common:,} in common" if common else "none is in common"
    return [f"the test sets differ, {listed(told)}: {rest}"]


def describe_classes(images: pd.DataFrame, there: Sequence[str]) -> list[str]:
    """Say which classes are not compared, and whether a model names one class only.

    Args:
        images: in common, at least one.
        there: classes that have test images on either side.
    """
    absent = [f"'{name}'" for name in there if name not in set(images["label"])]
    told = [f"no test image of {listed(absent, 'or')} is compared"] if absent else []
    if len(images) >= ENOUGH and images["label"].nunique() > 1:
        for when, column in (("before", "was"), ("after", "now")):
            if images[column].nunique() == 1:
                told.append(f"{when}, every test image is taken for '{images[column].iloc[0]}'")
    return told
