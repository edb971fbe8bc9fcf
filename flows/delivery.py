"""What becomes of the results of a run that succeeded: they are pushed, or committed, or both."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.changes import read_changes
from flows.commits import check_can_commit, commit, differing
from flows.processes import Outcome
from flows.remote import check_can_push, push
from flows.stages import kept_by_git
from tasks.params import PARAMS, load_params
from tasks.report.results import read_results
from tasks.report.wording import counted
from tasks.stage import LEDGER, METRICS

SUBJECT = 60  # letters of a commit's first line


@dataclass(frozen=True)
class Delivery:
    """What is asked for. It is pushed first, so that no commit names what nobody can fetch.

    Attributes:
        push: outputs and DVC's cache of runs go to its default remote.
        commit: what git keeps is committed on a branch of its own.
    """

    push: bool
    commit: bool

    def check(self) -> None:
        """Check before a run that it can be done after it.

        Raises:
            StageError: if there is nowhere to push to, or git could not commit.
        """
        if self.push:
            check_can_push()
        if self.commit:
            check_can_commit(kept())

    def deliver(self, outcomes: Mapping[str, Outcome], overrides: Sequence[str]) -> list[str]:
        """Do it, and say what was done.

        Args:
            outcomes: of a run without a failure.
            overrides: which the run wrote into `params.yaml`.

        Raises:
            StageError: if DVC or git refuses.
        """
        done = []
        if self.push:
            push(list(outcomes))
            done.append("pushed")
        if self.commit:
            results = kept() | ({PARAMS.resolve()} if overrides else set())
            if paths := differing(results):
                branch = commit(paths, message(outcomes, overrides), datetime.date.today())
                done.append(f"committed on {branch}")
        return done


def kept() -> set[Path]:
    """Return what a run may write that git keeps; of the ledger, DVC knows nothing."""
    return kept_by_git() | {LEDGER.resolve()}


def message(outcomes: Mapping[str, Outcome], overrides: Sequence[str]) -> str:
    """Write what a commit says of a run: what ran, with which other values, and the metrics."""
    ran = [address for address, outcome in outcomes.items() if outcome.ending != "unchanged"]
    names = list(dict.fromkeys(a.partition("@")[2] for a in ran if "@" in a))
    subject = f"Retrain {', '.join(names)}"
    if len(subject) > SUBJECT or not names:
        subject = f"Retrain: {counted(len(ran), 'stage')}"
    values = "\n".join(f"Set {override}" for override in overrides)
    return "\n\n".join(filter(None, (subject, values, results_table())))


def results_table() -> str:
    """Return the table of results, with what changed since the last commit."""
    if not METRICS.exists():
        return ""
    from flows.pages import results_page  # seconds, so not for a run with nothing to commit

    return results_page(read_results(load_params()), read_changes()).text
