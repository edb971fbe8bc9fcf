"""Say what two commits do differently on the same test images, and whether it is more than chance.

    python -m tasks.compare                       # HEAD against the working tree
    python -m tasks.compare main my-branch --markdown
    python -m tasks.compare --between mnist_mlp mnist_cnn
    python -m tasks.compare --html review.html    # with curves, causes and flipped pictures
    python -m tasks.compare main --fail-if worse  # for continuous integration

Models of other commits need not be checked out: their predictions are read from DVC's cache or
remote. Exit status:
    0  compared, and no verdict that `--fail-if` names
    1  an error, in one line: also if DVC's remote cannot be asked for what the cache lacks
    3  an experiment has a verdict that `--fail-if` names
    4  with `--fail-if`: none has, but one could not be compared (missing, cannot compare), so
       nobody knows; one whose predictions are the same to the byte is unchanged, and passes
"""

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from tasks.arguments import at_least
from tasks.review import markdown, page, terminal
from tasks.review.difference import UNCOMPARED, Difference, Verdict, judge
from tasks.review.scored import Measured, Scored, compare
from tasks.review.sides import Side, commit_side, working_tree
from tasks.stage import StageError, errors_in_one_line, written

FAILED, UNKNOWN = 3, 4  # exit statuses, as said above
LISTED, SHOWN = 5, 24  # pictures per experiment, by name and on a page


def compare_commits(before: Side, after: Side) -> list[Difference]:
    """Compare every experiment of two commits, those that are gone last."""
    was_scored, is_scored = scored_in(before), scored_in(after)
    new = {n for n in after.datasets if n not in before.datasets} | is_scored - was_scored
    found = [
        Difference(name, "new")
        if name in new
        else compare(name, Scored(before, name), Scored(after, name))
        for name in after.datasets
    ]
    gone = [Difference(name, "gone") for name in before.datasets if name not in after.datasets]
    told = {d.name: d for d in judged(found)}
    return [*(told[name] for name in after.datasets), *gone]


def scored_in(side: Side) -> set[str]:
    """Return the experiments that were ever scored on one side.

    Raises:
        StageError: if none was.
    """
    found = {name for name in side.datasets if Scored(side, name).digest is not None}
    if not found:
        raise StageError(
            f"{side.name} has no predictions: expected those of at least one experiment. "
            "Name a commit with results, or run dvc repro and commit dvc.lock."
        )
    return found


def judged(found: Sequence[Measured | Difference]) -> list[Difference]:
    """Turn what was measured into verdicts; they come after those that needed none."""
    told = [d for d in found if isinstance(d, Difference)]
    return told + judge([measured for measured in found if not isinstance(measured, Difference)])


def compare_experiments(before: Scored, after: Scored) -> list[Difference]:
    """Compare two experiments on one dataset.

    Raises:
        StageError: if they are on two.
    """
    if before.dataset != after.dataset:
        raise StageError(
            f"'{before.experiment}' is on {before.dataset} and '{after.experiment}' on "
            f"{after.dataset}: expected two experiments on one dataset."
        )
    return judged([compare(f"{before.experiment} → {after.experiment}", before, after)])


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", nargs="?", metavar="REV", help="a commit (HEAD)")
    parser.add_argument("after", nargs="?", metavar="REV2", help="another (the working tree)")
    parser.add_argument("--between", nargs=2, metavar="EXPERIMENT", help="of REV, or of both sides")
    parser.add_argument(
        "--fail-if", action="append", default=[], choices=get_args(Verdict), help="may be repeated"
    )
    parser.add_argument("--flips", type=at_least(0), metavar="N", help="pictures to list")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json")
    form.add_argument("--markdown", dest="form", action="store_const", const="markdown")
    form.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with curves and pictures"
    )
    return parser.parse_args()


def sides(wanted: argparse.Namespace) -> tuple[Side, Side]:
    """Return what is compared: two experiments of one commit, or one of two."""
    if wanted.between and not wanted.after:
        only = commit_side(wanted.before) if wanted.before else working_tree()
        return only, only
    before = commit_side(wanted.before or "HEAD")
    return before, commit_side(wanted.after) if wanted.after else working_tree()


def main() -> int:
    """Run the command; return its exit status."""
    wanted = arguments()
    before, after = sides(wanted)
    if wanted.between:
        first, second = wanted.between
        pair = Scored(before, first), Scored(after, second)
        found = compare_experiments(*pair)
        pairs = {found[0].name: pair}
    else:
        found = compare_commits(before, after)
        both = [name for name in after.datasets if name in before.datasets]
        pairs = {name: (Scored(before, name), Scored(after, name)) for name in both}
    title = before.name if before is after else f"{before.name} → {after.name}"
    listed = LISTED if wanted.flips is None else wanted.flips
    if wanted.html:
        shown = SHOWN if wanted.flips is None else wanted.flips
        written(wanted.html, page.show(title, found, pairs, shown))
        print(f"review: {wanted.html}")
    elif wanted.form == "json":
        experiments = [difference.as_json() for difference in found]
        told = {"before": before.name, "after": after.name, "experiments": experiments}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif wanted.form == "markdown":
        print(markdown.show(title, found, listed, page_command(wanted, before, after)))
    else:
        terminal.print_to_terminal(terminal.show(title, found, listed))
    return exit_status(found, wanted.fail_if)


def page_command(wanted: argparse.Namespace, before: Side, after: Side) -> str:
    """Return the command that writes a page of the same comparison."""
    revisions = dict.fromkeys(side.commit for side in (before, after) if side.commit)
    between = ["--between", *wanted.between] if wanted.between else []
    return shlex.join(
        ["python", "-m", "tasks.compare", *revisions, *between, "--html", "review.html"]
    )


def exit_status(differences: Sequence[Difference], fail_if: Sequence[Verdict]) -> int:
    """Return what the process ends with: what was not compared has not passed."""
    verdicts = {difference.verdict for difference in differences}
    if verdicts & set(fail_if):
        return FAILED
    return UNKNOWN if fail_if and verdicts & set(UNCOMPARED) else 0


if __name__ == "__main__":
    with errors_in_one_line():
        raise SystemExit(main())
