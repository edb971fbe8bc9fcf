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
from tasks.review.names import describe_names, renamed
from tasks.stage import StageError

COLUMNS = ["id", "label", "predicted"]  # followed by a probability per class
PROBABILITY = "p:"
ENOUGH = 10  # images of several classes; fewer may all be taken for one by chance


class Predictions(NamedTuple):
    """What one model said of its test images.

    Attributes:
        images: a row per image, by its id: `label`, `predicted`, and `p`, the label's probability.
        classes: names, in the order of the model's outputs; some may have no test image.
    """

    images: pd.DataFrame
    classes: list[str]


class Match(NamedTuple):
    """Test images that both models saw.

    Attributes:
        images: a row per image, by its id: `label`, the classes `was` and `now` predicted, and
            what probability the label had, `p_was` and `p_now`.
        notes: what a reader has to know of the test sets; empty if they are the same.
        left_out: how many images are not compared, as only one model saw them, or not alike.
    """

    images: pd.DataFrame
    notes: list[str]
    left_out: int

    @property
    def identical(self) -> bool:
        """Say whether both said the same of every image of both test sets, and as surely."""
        before, after = self.images[["was", "p_was"]], self.images[["now", "p_now"]]
        return not self.left_out and bool((before.to_numpy() == after.to_numpy()).all())


def parse(text: str, source: str) -> Predictions:
    """Read the CSV file that `evaluate` wrote.

    Args:
        text: of the file.
        source: names the file in an error.

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
        return Predictions(table.set_index("id")[["label", "predicted", "p"]], list(at))
    except (KeyError, ValueError):
        raise StageError(
            f"{source} is not what evaluate writes: expected the columns id, label, predicted and "
            "p:CLASS for every class, and a row per image. Run evaluate again (dvc repro)."
        ) from None


def align(old: Predictions, new: Predictions, *, repainted: Collection[str] = ()) -> Match:
    """Keep the images that both models saw under one label.

    Args:
        old: what the model before said.
        new: likewise, after.
        repainted: ids of images whose pixels are not the same.
    """
    labels = old.images["label"], new.images["label"]
    pairs = labels[0].to_frame("was").join(labels[1].to_frame("now"), how="inner")
    new_names = renamed(
        {*pairs.itertuples(index=False, name=None)},
        old.classes,
        new.classes,
        {*labels[0], *labels[1]},
    )
    before, after = old.images.replace({"label": new_names, "predicted": new_names}), new.images
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
    notes = describe_names(new_names, images, old.classes, new.classes)
    notes += describe_sets(apart, len(images))
    told = describe_classes(images, there) if len(images) else []
    return Match(images, notes + told, left_out=sum(apart.values()))


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
