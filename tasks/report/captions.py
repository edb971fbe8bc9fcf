"""One sentence under each figure: what it shows here, not what such a figure is."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from tasks.report.history import accuracies, best_setting
from tasks.report.tables import Row
from tasks.report.wording import counted, percent, points

NEAR = 0.01  # a mean probability this close to the accuracy counts as honest


def history_network(rows: Sequence[Row]) -> str:
    """Say how long the network learned and when its validation loss was lowest."""
    best = min(rows, key=lambda row: float(row["val_loss"]))
    epochs = counted(len(rows), "epoch")
    return f"Learning over {epochs}; validation loss lowest at epoch {best['epoch']}."


def history_neighbours(rows: Sequence[Row]) -> str:
    """Say which setting won, and how well it did on the folds."""
    settings = accuracies(rows)
    metric, k = best_setting(settings)
    mean = percent(fmean(settings[metric, k]))
    folds = counted(len(settings[metric, k]), "fold")
    if len(settings) == 1:
        return f"{metric} with k = {k}, as given: {mean} on average over {folds}."
    return f"Best of {len(settings)} settings: {metric} with k = {k}, {mean} over {folds}."


def confusion(rows: Sequence[Row]) -> str:
    """Name the most frequent confusion."""
    wrong = Counter((r["actual"], r["predicted"]) for r in rows if r["actual"] != r["predicted"])
    if not wrong:
        return f"All {counted(len(rows), 'test picture')} are right."
    (actual, predicted), n = min(wrong.items(), key=lambda item: (-item[1], item[0]))
    if n == 1:
        return f"{len(wrong):,} of {len(rows):,} are wrong, no two in the same way."
    return (
        f"{sum(wrong.values()):,} of {len(rows):,} are wrong; most often {actual} is taken "
        f"for {predicted} ({n:,} times)."
    )


def calibration(rows: Sequence[Row]) -> str:
    """Compare how sure the model is with how often it is right, before and after calibration."""
    given, calibrated = (
        [row for row in rows if row.get("probabilities", "as given") == which]
        for which in ("as given", "calibrated")
    )
    if not calibrated:  # the table of an older commit
        return honesty(given)
    return f"{honesty(given)} Calibrated on val: {uncapitalised(honesty(calibrated))}"


def uncapitalised(sentence: str) -> str:
    """Return a sentence that goes on from another."""
    return sentence[0].lower() + sentence[1:]


def honesty(rows: Sequence[Row]) -> str:
    """Compare how sure some probabilities are with how often they are right."""
    n = sum(float(row["n"]) for row in rows)
    sure = sum(float(row["n"]) * float(row["confidence"]) for row in rows) / n
    right = sum(float(row["n"]) * float(row["accuracy"]) for row in rows) / n
    if sure == 1:
        return f"Always 100 % sure, for one neighbour decides alone; right {percent(right)}."
    if abs(sure - right) < NEAR:
        return f"Honest: it is {percent(sure)} sure on average and right {percent(right)}."
    if sure > right:
        return f"Too sure of itself, by {points(sure, right)} on average."
    return f"Too modest: right {points(right, sure)} more often than it says."


def classes(rows: Sequence[Row]) -> str:
    """Name the class that is missed most often."""
    recall = [(float(row["value"]), row["class"]) for row in rows if row["measure"] == "recall"]
    value, name = min(recall)
    if value == 1:
        return "Every picture of every class is recognised."
    return f"Hardest to find: {name}, recognised {percent(value)} of the time."
