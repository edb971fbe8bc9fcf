"""What becomes of the results of a run that succeeded: pushed, committed, models promoted."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.changes import read_changes
from flows.commits import check_can_commit, commit, commit_here, differing
from flows.processes import Outcome
from flows.promotion import promote_all
from flows.remote import check_can_push, push
from flows.stages import kept_by_git
from tasks.params import PARAMS, load_params
from tasks.registry.decision import DECISIONS
from tasks.report.results import read_results
from tasks.report.wording import counted, listed
from tasks.stage import LEDGER, METRICS, StageError

SUBJECT = 60  # letters of a commit's first line


@dataclass(frozen=True)
class Delivery:
    """What is asked for. It is pushed first, so that no commit names what nobody can fetch.

    Attributes:
        push: outputs and DVC's cache of runs go to its default remote.
        commit: what git keeps is committed on a branch of its own.
        promote: experiments whose models go into production if they pass; the decisions are
            committed on that branch, too.
    """

    push: bool
    commit: bool
    promote: tuple[str, ...] = ()

    def check(self) -> None:
        """Check before a run that it can be done after it.

        Raises:
            StageError: if there is nowhere to push to, git could not commit, or a model shall be
                promoted that is in no commit.
        """
        if self.promote and not self.commit:
            raise StageError("cannot promote what is not committed: expected commit as well.")
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
        done, branch = [], None
        if self.push:
            push(list(outcomes))
            done.append("pushed")
        if self.commit:
            results = kept() | ({PARAMS.resolve()} if overrides else set())
            if paths := differing(results):
                branch = commit(paths, message(outcomes, overrides), datetime.date.today())
                done.append(f"committed on {branch}")
        if self.promote:
            done += promote_all(self.promote)
            if paths := differing({DECISIONS.resolve()}):
                decided = f"Decide on {listed(self.promote)}\n\n" + "\n".join(done)
                if branch:
                    commit_here(paths, decided)
                else:
                    commit(paths, decided, datetime.date.today())
        return done


def kept() -> set[Path]:
    """Return what a run may write that git keeps; of ledger and decisions, DVC knows nothing."""
    return kept_by_git() | {LEDGER.resolve(), DECISIONS.resolve()}


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
