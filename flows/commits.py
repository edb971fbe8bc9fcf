"""What git keeps of a run: a commit on a branch of its own, `retrain/2026-11-21`.

The branch begins at the commit that is checked out, and is checked out afterwards, so that
`git diff main` and `dvc metrics diff main` show at once what is to be reviewed.
"""

import datetime
import os
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tasks.stage import StageError

NAMED = 3  # files, in the line of an error


def check_can_commit(results: Collection[Path]) -> None:
    """Check before a run that its results can be committed after it.

    Args:
        results: files and folders that runs write. A run that failed may have left some that
            are not committed; they will be, with those of the next one.

    Raises:
        StageError: if there is no commit to begin at, git knows nobody to name as the author,
            or anything else differs from what is committed.
    """
    if not succeeds("rev-parse", "--verify", "HEAD"):
        raise StageError("cannot commit: expected a git repository with at least one commit here.")
    if not succeeds("var", "GIT_COMMITTER_IDENT"):
        raise StageError(
            "cannot commit: git does not know who you are. "
            "Tell it: git config user.name NAME; git config user.email ADDRESS."
        )
    if others := [path for path in uncommitted() if not within(path, results)]:
        named = ", ".join(os.path.relpath(path) for path in others[:NAMED])
        more = f" and {len(others) - NAMED} more" if others[NAMED:] else ""
        raise StageError(
            f"cannot commit: the git tree is not clean: {named}{more}. "
            "Commit, stash or remove what no run wrote, then start again."
        )


def commit(paths: Iterable[Path], message: str, day: datetime.date) -> str:
    """Commit files as they are on a new branch, with no hook asked; return its name.

    Args:
        paths: files that differ from what is committed.
        message: of the commit, a summary in its first line.
        day: names the branch.

    Raises:
        StageError: if git refuses; then there is no new branch.
    """
    with new_branch(f"retrain/{day.isoformat()}") as branch:
        commit_here(paths, message)
    return branch


def commit_here(paths: Iterable[Path], message: str) -> None:
    """Commit files as they are on the branch that is checked out, with no hook asked.

    Raises:
        StageError: if git refuses.
    """
    named = [str(path) for path in paths]
    git("add", "--", *named)
    git("commit", "--quiet", "--no-verify", "--message", message, "--", *named)


def differing(results: Collection[Path]) -> list[Path]:
    """Return the results that are not as they are committed, new ones and gone ones included."""
    return [path for path in uncommitted() if within(path, results)]


def last_results() -> str:
    """Say in words which commit holds the results as they are now."""
    lock = ["--", "dvc.lock"]
    if not succeeds("rev-parse", "--verify", "HEAD") or git("status", "--porcelain", *lock):
        return "the last run, which is not committed"
    return git("log", "--max-count=1", "--format=%h", *lock).strip() or "the last run"


# ---- git ------------------------------------------------------------------------------


@contextmanager
def new_branch(name: str) -> Iterator[str]:
    """Check a new branch out; go back and delete it if the block fails.

    Args:
        name: of the branch, followed by `-2`, `-3` and so on where there is one already.

    Yields:
        its name in the end.
    """
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    free = next(name for name in names if not succeeds("rev-parse", "--verify", name))
    git("switch", "--quiet", "--no-track", "--create", free)
    try:
        yield free
    except BaseException:
        git("checkout", "--quiet", "-")
        git("branch", "--quiet", "-D", free)
        raise


def uncommitted() -> list[Path]:
    """Return the files that differ from what is committed, new ones included."""
    root = Path(git("rev-parse", "--show-toplevel").removesuffix("\n"))
    asked = git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [root / entry[3:] for entry in asked.split("\0") if entry]


def within(path: Path, results: Collection[Path]) -> bool:
    """Say whether a file is one of the results, or in a folder that is."""
    return not {path, *path.parents}.isdisjoint(results)


def git(*arguments: str) -> str:
    """Run git and return what it prints.

    Raises:
        StageError: if it fails.
    """
    asked = run(arguments)
    if asked.returncode != 0:
        raise StageError(f"`git {arguments[0]}` failed: {' '.join(asked.stderr.split())}")
    return asked.stdout


def succeeds(*arguments: str) -> bool:
    """Run git and say whether it succeeds."""
    return run(arguments).returncode == 0


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run git in the current folder, in English, with nobody to answer its questions."""
    return subprocess.run(
        ["git", *arguments],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
