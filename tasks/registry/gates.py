"""The gates that a model passes before it replaces the one in use, each with its reason.

Not worse means more than not significantly worse, which any test set that is small enough
would show: the whole 95 % interval of the difference has to lie above minus the margin, as in
trials of non-inferiority (Piaggio et al. 2012, https://doi.org/10.1001/jama.2012.87802). The
margins are in params.yaml, to be set before the numbers are seen. One model need not show it: one
that says the same of every image of the whole test set, with the same probability, for it is the
model in use, trained again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from tasks.measures.ledger import models_beside, read_looks
from tasks.measures.paired import bootstrap_interval
from tasks.params import Looks, Promote
from tasks.registry.decision import Gate
from tasks.report.wording import counted, listed, percent
from tasks.review.figures import paired
from tasks.review.predictions import Match
from tasks.review.wording import points
from tasks.stage import CHECKS

HARMLESS = {"clean", "dropped"}  # no leak, or training left out what leaks
RECALL, PRECISION = "recall.", "precision."


def not_worse(match: Match | None, limits: Promote) -> Gate:
    """Judge the accuracy on the test images that both models saw; None if none is in use."""
    if match is None:
        return Gate("not worse", True, "nothing is in use yet that it could be worse than")
    pairs = paired(match.images)
    if match.identical:
        said = f"it says the same of {counted(pairs.n, 'test image')}, with the same probability"
        return Gate("not worse", True, f"{said}, and none was left out")
    low, high = bootstrap_interval(pairs)
    said = (
        f"{points(pairs.difference)} points on {counted(pairs.n, 'test image')}, 95 % interval "
        f"{points(low)} to {points(high)}"
    )
    if low > -limits.margin:
        return Gate("not worse", True, f"{said}: worse by less than {points_of(limits.margin)}")
    doubt = "it is worse" if high <= -limits.margin else "it may be worse"
    return Gate("not worse", False, f"{said}: {doubt} by {points_of(limits.margin)} or more")


def points_of(share: float) -> str:
    """Return a margin: `1.00 points`."""
    return f"{100 * share:.2f} points"


def no_collapse(images: pd.DataFrame | None, metrics: Mapping[str, float], limits: Promote) -> Gate:
    """Judge each class alone: none may be lost, and none may lose much recall.

    A class without test images cannot be judged; the reason names it.
    """
    recall, precision = of_classes(metrics, RECALL), of_classes(metrics, PRECISION)
    if not recall:
        return Gate("no class collapses", False, "the commit has no metric recall.CLASS of it")
    lost = [name for name, value in recall.items() if value == 0]
    if lost:
        return Gate("no class collapses", False, f"never recognised: {listed(lost)}")
    untested = [name for name in precision if name not in recall]
    rest = f"; no test image of {listed(untested, 'or')}" if untested else ""
    if images is None:
        return Gate("no class collapses", True, f"every class is recognised{rest}")
    drops = {
        str(name): -paired(rows).difference for name, rows in images.groupby("label", sort=True)
    }
    fallen = [
        f"{name} by {points_of(drop)}" for name, drop in drops.items() if drop > limits.class_margin
    ]
    if fallen:
        return Gate("no class collapses", False, f"recall fell: {listed(fallen)}")
    worst = max(drops, key=lambda name: drops[name])
    told = f"{worst} by {points_of(drops[worst])}" if drops[worst] > 0 else "none"
    return Gate("no class collapses", True, f"largest loss of recall: {told}{rest}")


def of_classes(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return a metric of single classes, by class."""
    return {
        name.removeprefix(prefix): value
        for name, value in metrics.items()
        if name.startswith(prefix)
    }


def looked_at_fairly(dataset: str, experiment: str, model: str, budget: Looks) -> Gate:
    """Judge the ledger: this model was scored as the pipeline scores, on a set not worn out."""
    looks = read_looks(dataset)
    own = experiment, model
    if own not in {(look.experiment, look.model) for look in looks}:
        return Gate("ledger", False, f"no look of model {model} at the test set is written down")
    count = max(models_beside(looks, [own]))
    said = f"{counted(count, 'model')} scored on this test set, up to {budget.warn} are no concern"
    return Gate("ledger", count <= budget.warn, said)


def checked(dataset: str) -> Gate:
    """Judge the verdict of the stage `check` on the data."""
    path = CHECKS / f"{dataset}.json"
    if not path.exists():
        return Gate("check", False, f"no '{path}': the data were not checked")
    found = json.loads(path.read_text(encoding="utf-8"))
    leaked = counted(int(found["leaked_test_images"]), "test image")
    said = f"{dataset}: {found['verdict']}, {leaked} with a copy in another split"
    return Gate("check", found["verdict"] in HARMLESS, said)


def small_enough(mib: float, limits: Promote) -> Gate:
    """Judge the size of the model's files."""
    said = f"{mib:.1f} MiB of {limits.size_mib:g} allowed"
    return Gate("size", mib <= limits.size_mib, said)


def quick_enough(ms: float, limits: Promote) -> Gate:
    """Judge the median time for one picture."""
    said = f"{ms:.0f} ms for one picture of {limits.latency_ms:g} allowed"
    return Gate("latency", ms <= limits.latency_ms, said)


def size_of(folder: Path) -> float:
    """Return the size of all files in a folder, in MiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def accuracy_in_words(metrics: Mapping[str, float]) -> str:
    """Return an accuracy with its 95 % interval: `98.48 % (98.22 to 98.70)`."""
    low, high = (f"{100 * metrics[f'accuracy_{end}']:.2f}" for end in ("low", "high"))
    return f"{percent(metrics['accuracy'], 2)} ({low} to {high})"
