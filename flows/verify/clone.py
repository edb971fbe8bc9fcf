"""A clean clone of a commit: what git has of it, an empty DVC cache, and nothing of this folder.

It lies in `data/scratch`, on the disk that has room for results, under a name by which the
doctor and the next clone know what a killed process left. DVC keeps even its own notes inside.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from flows.commits import git
from tasks.stage import SCRATCH, StageError, alive, remove

# DVC writes notes on files that it has seen into a folder of the machine, unless it has its own.
CONFIG = """[core]
    site_cache_dir = {clone}/.dvc/site
[remote "workspace"]
    url = {cache}
"""


def head() -> str:
    """Return the commit that is checked out.

    Raises:
        StageError: if there is none.
    """
    try:
        return git("rev-parse", "--verify", "HEAD").strip()
    except StageError:
        raise StageError(
            "no commit to verify here: expected a git repository with at least one commit. "
            "Commit dvc.lock and what made it, then verify."
        ) from None


@contextmanager
def clean_clone(commit: str, cache: Path) -> Iterator[Path]:
    """Clone a commit, work in the clone while the block runs, and remove it however that ends.

    Args:
        commit: to check out.
        cache: DVC's cache of the original, from which `pull` may take sources.

    Yields:
        the folder of the project in the clone, which is the current one.
    """
    root, prefix = (Path(git("rev-parse", o).strip()) for o in ("--show-toplevel", "--show-prefix"))
    for left in SCRATCH.glob(".verify.*.part"):
        if not alive(left):
            remove(left)
    clone = SCRATCH.resolve() / f".verify.{os.getpid()}.part"
    remove(clone)
    clone.parent.mkdir(parents=True, exist_ok=True)
    try:
        git("clone", "--quiet", "--no-checkout", str(root), str(clone))
        with chdir(clone):
            git("checkout", "--quiet", "--detach", commit)
        project = clone / prefix
        config = project / ".dvc" / "config.local"
        config.write_text(CONFIG.format(clone=project, cache=cache), encoding="utf-8")
        with chdir(project):
            yield project
    finally:
        remove(clone)


def pull(address: str) -> bool:
    """Take the outputs of a stage from the original's cache; say whether they were there."""
    command = [sys.executable, "-m", "dvc", "pull", "--quiet", "--remote", "workspace", address]
    return subprocess.run(command, capture_output=True).returncode == 0
