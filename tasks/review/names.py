"""Whether classes that are called otherwise are still the same classes.

Test images show it: those that both sides have fall into the same classes, whatever these are
called. A class without a test image is known by what is left over.
"""

from collections.abc import Collection, Sequence

import pandas as pd

from tasks.report.wording import counted, listed


def renamed(
    pairs: Collection[tuple[str, str]],
    before: Sequence[str],
    after: Sequence[str],
    labels: Collection[str],
) -> dict[str, str]:
    """Return the new names of classes by their old ones, where only names changed.

    That is where the images that both sides have fall into the same classes as before, and no
    old name is in use for another class.

    Args:
        pairs: label before and after of each image that both sides have.
        before: names of all classes, in the order of the model's outputs.
        after: likewise.
        labels: that a test image of either side has.
    """
    shown = {old: new for old, new in pairs if old != new}
    pairs = {*pairs}
    one_to_one = len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    swapped = {*shown} & {*after} or {*shown.values()} & {*before}
    if not shown or not one_to_one or swapped:
        return {}
    old, new = left_over(shown, before, after)
    if len(old) == len(new) and not {*old, *new} & {*labels}:
        rest = {*zip(old, new, strict=True)}
        if len(rest) == 1 or same_places(pairs | rest, before, after):
            shown |= rest
    return dict(sorted(shown.items()))


def left_over(
    names: dict[str, str], before: Sequence[str], after: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return which classes of either side the other has not, under none of some new names."""
    old = [name for name in before if name not in {*after, *names}]
    new = [name for name in after if name not in {*before, *names.values()}]
    return old, new


def same_places(
    pairs: Collection[tuple[str, str]], before: Sequence[str], after: Sequence[str]
) -> bool:
    """Whether classes stand where they stood, so that new names did not change their order."""
    return len(before) == len(after) and all(
        before.index(old) == after.index(new) for old, new in pairs
    )


def describe_names(
    names: dict[str, str], images: pd.DataFrame, before: Sequence[str], after: Sequence[str]
) -> list[str]:
    """Say which classes have another name, and where nobody knows.

    Args:
        names: new ones by their old ones.
        images: in common, as those of a `Match`.
        before: names of all classes.
        after: likewise.
    """
    pairs = [f"'{old}' is now '{new}'" for old, new in names.items()]
    told = [f"classes were renamed: {listed(pairs)}"] if pairs else []
    old, new = left_over(names, before, after)
    if n := int((images["was"].isin(old) & images["now"].isin(new)).sum()):
        old_names, new_names = (listed([f"'{name}'" for name in each], "or") for each in (old, new))
        told.append(
            f"whether {old_names} is now called {new_names} is not known: "
            f"{counted(n, 'prediction')} changed from the one to the other"
        )
    return told
