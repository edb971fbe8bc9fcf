"""How often a test set was looked at: one line for every model that was scored on it.

Whoever scores many models on one test set and keeps the best has chosen on the test set, and
its number is too good (Dwork et al. 2015, "The reusable holdout",
https://doi.org/10.1126/science.aaa9375). So every look is written down in git, and there
is a budget. The same model scored again is no new look. The model of every seed of a recipe
is one: nobody means to choose among seeds, but whoever has seen their scores could, and would
only have to write the lucky one into params.yaml. Lines are sorted, because stages
side by side end in any order, and git keeps those of both branches in a merge.
"""

import subprocess
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

from tasks.images.samples import Rows
from tasks.measures.statistics import wilson_interval
from tasks.params import Looks
from tasks.stage import LEDGER, SCRATCH, StageError
from tasks.stage.locks import held
from tasks.stage.tables import read_table, write_table

DIGITS = 16  # of a digest
CONFIDENCE = 0.95


class Look(NamedTuple):
    """One model on one test set.

    Attributes:
        test: digest of the test images and their labels.
        experiment: whose model it is.
        model: digest of its files.
        commit: that was checked out, empty outside git.
    """

    test: str
    experiment: str
    model: str
    commit: str


def digest_of_test(rows: Rows) -> str:
    """Return what a test set is known by: its pictures and their labels, in any order."""
    pictures = sorted(zip(rows.digests, (rows.classes[i] for i in rows.labels), strict=True))
    return sha256(repr(pictures).encode()).hexdigest()[:DIGITS]


def digest_of_model(folder: Path) -> str:
    """Return what a model is known by: the names and bytes of its files.

    Its calibration is no part of it. That is made of the model, val and a number of params.yaml,
    and changes no prediction; so to calibrate anew is not to choose another model.
    """
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
    return digest.hexdigest()[:DIGITS]


def checked_out() -> str:
    """Return the commit that is checked out, empty outside git."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, encoding="utf-8")
    return asked.stdout.strip()[:DIGITS] if asked.returncode == 0 else ""


def read_looks(dataset: str) -> list[Look]:
    """Return all looks at the test sets that a dataset has had."""
    path = LEDGER / f"{dataset}.csv"
    if not path.exists():
        return []
    rows = read_table(path)[list(Look._fields)].itertuples(index=False)
    return sorted({Look(*row) for row in rows})


def models(looks: Iterable[Look], test: str) -> set[str]:
    """Return which models were scored on one test set."""
    return {look.model for look in looks if look.test == test}


def models_beside(looks: Iterable[Look], own: Iterable[tuple[str, str]]) -> list[int]:
    """Return how many models were scored on the test set that some results are of.

    A dataset has had several test sets if its pictures or its split changed. The present one is
    that on which all models behind the results were scored, as far as the ledger knows them.

    Args:
        looks: at all test sets of a dataset.
        own: experiment and digest of the model behind each result.

    Returns:
        one number; several, the largest first, where more than one test set may be meant; none
        without a look.
    """
    looks = list(looks)
    scored = [{k.test for k in looks if (k.experiment, k.model) == one} for one in own]
    known = [tests for tests in scored if tests]
    present = {look.test for look in looks}.intersection(*known) or set[str]().union(*known)
    return sorted((len(models(looks, test)) for test in present), reverse=True)


def record(dataset: str, rows: Rows, experiment: str, folder: Path, budget: Looks) -> None:
    """Write down a look before it is taken; the same model again is none.

    Raises:
        StageError: if the budget is used up.
    """
    look = Look(digest_of_test(rows), experiment, digest_of_model(folder), checked_out())
    with held(SCRATCH / f"ledger-{dataset}.lock", f"the ledger of {dataset}", wait=True):
        looks = read_looks(dataset)
        seen = models(looks, look.test)
        if look.model in seen:
            return
        if len(seen) >= budget.most:
            raise StageError(
                f"the test set of '{dataset}' has been looked at by {len(seen)} models: expected "
                f"at most {budget.most}. Choose on val, or get new test images; or raise "
                "evaluate.looks.most in params.yaml, and say why in the commit."
            )
        if len(seen) >= budget.warn:
            print(
                f"warning: this is look {len(seen) + 1} at the test set of {dataset}; "
                f"{budget.most} are allowed",
                flush=True,
            )
        write_table(LEDGER / f"{dataset}.csv", Look._fields, sorted({*looks, look}))


def corrected_interval(accuracy: float, n: int, looks: int) -> tuple[float, float]:
    """Return an interval that holds for the best of several models, too.

    It is Wilson's at the level that Bonferroni's inequality asks for (Dunn 1961,
    https://doi.org/10.1080/01621459.1961.10482090).

    Args:
        accuracy: on the test set, 0..1.
        n: test images.
        looks: models that the best was chosen from, at least 1.
    """
    quantile = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * looks))
    return wilson_interval(round(accuracy * n), n, quantile)
