"""Put a model into use if it is not worse than the one in use, and go back if it must be.

    python -m tasks.promote                       # what is in use, and what it is worth
    python -m tasks.promote mnist_cnn --dry-run   # judge, move nothing
    python -m tasks.promote mnist_cnn             # judge; into production if it passes
    python -m tasks.promote mnist_cnn --to staging
    python -m tasks.promote mnist_cnn --rollback  # production goes back to the version before

What is promoted is the model of the commit that is checked out. A decision is written to
data/decisions, for git to keep; a promotion is two local git tags, which `git push --tags` shares
and `dvc artifacts get` follows. Exit status 3: a gate was not passed, or the model was withdrawn
before (gto deprecate), and nothing was moved.
"""

import argparse

from rich.console import Console
from rich.markup import escape

from tasks.images.samples import val_rows
from tasks.measures.calibration import path_of, read_calibration
from tasks.measures.ledger import digest_of_model
from tasks.models.loading import load_classifier
from tasks.params import Params, load_params
from tasks.registry import gates
from tasks.registry.committed import committed, listed_as_artifact
from tasks.registry.decision import Decision, write_rollback
from tasks.registry.latency import latency_ms
from tasks.registry.table import metrics_at, registry_table
from tasks.registry.versions import (
    STAGE_NAMES,
    StageName,
    assign,
    read_history,
    register,
)
from tasks.review.difference import Difference
from tasks.review.predictions import Match
from tasks.review.scored import Scored, shared_images
from tasks.review.sides import commit_side
from tasks.stage import MODELS, StageError, errors_in_one_line

REFUSED = 3  # exit status
TIMED = 8  # val images


def against_champion(experiment: str, champion: str | None) -> tuple[Match | None, list[str]]:
    """Return the test images that challenger and champion both saw, and notes; None without one.

    Raises:
        StageError: if they cannot be compared.
    """
    if champion is None:
        return None, []
    before, after = (Scored(commit_side(at), experiment) for at in (champion, "HEAD"))
    found = shared_images(experiment, before, after)
    if isinstance(found, Difference):
        raise StageError(
            f"'{experiment}' cannot be compared with the model in use, {found.verdict}: "
            f"{'; '.join(found.notes)}"
        )
    return found, found.notes


def judge(params: Params, experiment: str, stage: StageName) -> Decision:
    """Judge the model of the commit that is checked out."""
    commit, folder = committed(experiment), MODELS / experiment
    model = digest_of_model(folder)
    read_calibration(path_of(experiment), model)  # so the committed results are this model's
    history = read_history(experiment)
    champion = history.holder(stage)
    match, notes = against_champion(experiment, history.commit_of(champion) if champion else None)
    dataset, limits = params.experiment(experiment).dataset, params.promote
    metrics = metrics_at(commit, experiment)
    classifier = load_classifier(folder, threads=params.threads, memory_mib=params.memory_mib)
    taken = latency_ms(classifier, val_rows(dataset).pixels()[:TIMED])
    passed = [
        gates.not_worse(match, limits),
        gates.no_collapse(match.images if match else None, metrics, limits),
        gates.looked_at_fairly(dataset, experiment, model, params.evaluate.looks),
        gates.checked(dataset),
        gates.small_enough(gates.size_of(folder), limits),
        gates.quick_enough(taken, limits),
    ]
    return Decision(experiment, stage, commit, model, champion, passed, metrics, limits, notes)


def version_here(experiment: str, versions: dict[str, str]) -> str | None:
    """Return which of some versions the model of the commit that is checked out is already."""
    path = MODELS / experiment
    here = commit_side("HEAD").digest(path)
    if here is None:
        return None
    known = reversed(versions.items())
    return next((name for name, at in known if commit_side(at).digest(path) == here), None)


def promote(decision: Decision) -> str:
    """Tag the model of a decision that passed; say what was done."""
    version = version_here(decision.experiment, read_history(decision.experiment).versions)
    words = f"{gates.accuracy_in_words(decision.metrics)}\n\n{decision.in_words()}"
    version = version or register(decision.experiment, decision.commit, words)
    tag = assign(decision.experiment, version, decision.stage, words)
    return f"{decision.experiment} {version} is in {decision.stage} (git tag {tag})."


def roll_back(experiment: str, stage: StageName, because: str) -> str:
    """Return a stage to the version before; say what was done."""
    history = read_history(experiment)
    found = history.predecessor(stage)
    left = history.assigned(stage)[-1]
    tag = assign(experiment, found, stage, because)
    path = write_rollback(experiment, stage, (left, found), because)
    return f"{experiment} {left} left {stage}, {found} is back (git tag {tag}). Commit {path}."


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.promote",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", nargs="?", help="whose model")
    parser.add_argument("--to", choices=STAGE_NAMES, default="production", dest="stage")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--dry-run", action="store_true", help="judge only; no file, no tag")
    way.add_argument("--rollback", action="store_true", help="go back to the version before")
    parser.add_argument("--because", default="rolled back by hand", help="why, with --rollback")
    return parser.parse_args()


def main() -> int:
    """Run the command; return its exit status."""
    wanted, params, console = arguments(), load_params(), Console()
    if not wanted.experiment:
        table = registry_table(map(read_history, params.experiments))
        told = table if table.row_count else "No version is registered yet."
        Console(width=None if console.is_terminal else 120).print(told)
        return 0
    params.experiment(wanted.experiment)
    if wanted.rollback:
        print(roll_back(wanted.experiment, wanted.stage, wanted.because))
        return 0
    listed_as_artifact(wanted.experiment)
    history = read_history(wanted.experiment)
    here = version_here(wanted.experiment, history.versions)
    if here and history.assigned(wanted.stage)[-1:] == [here]:
        print(f"{wanted.experiment} {here} is in {wanted.stage} already.")
        return 0
    if not here and (gone := version_here(wanted.experiment, history.withdrawn)):
        print(
            f"{wanted.experiment} was not promoted: its model is {gone}, which was withdrawn. "
            f"Train another, or take that back: git tag --delete '{wanted.experiment}@{gone}!'"
        )
        return REFUSED
    decision = judge(params, wanted.experiment, wanted.stage)
    for gate in decision.gates:
        mark = "[green]passed[/]" if gate.passed else "[bold red]FAILED[/]"
        console.print(f"{mark} {gate.name}: {escape(gate.reason)}", soft_wrap=True)
    if not wanted.dry_run:
        decision.write()
        print(f"decision: {decision.path}, for git to keep")
    if not decision.passed:
        print(f"{wanted.experiment} was not promoted.")
        return REFUSED
    print("It would be promoted." if wanted.dry_run else promote(decision))
    return 0


if __name__ == "__main__":
    with errors_in_one_line():
        raise SystemExit(main())
