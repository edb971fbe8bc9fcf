"""Versions of a model and where they are in use: git tags, written and read by GTO.

`mnist_cnn@v2.0.0` names the commit whose model is version 2; `mnist_cnn#production#3` puts a
version into production, and the highest number is in force (https://dvc.org/doc/gto). Nothing is
ever deleted: a rollback is one more tag, and so is `mnist_cnn@v2.0.0!`, by which `gto deprecate`
withdraws a version. Tags are local until somebody pushes them.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gto import api
from gto.exceptions import GTOException

from tasks.stage import StageError

StageName = Literal["production", "staging"]
STAGE_NAMES: tuple[StageName, ...] = ("production", "staging")
NUMBER = re.compile(r"#(\d+)$")


class Move(NamedTuple):
    """A version was put into a stage, or, if it is None, taken out of it."""

    number: int
    stage: str
    version: str | None


@dataclass(frozen=True)
class History:
    """What the tags say of one experiment.

    Attributes:
        versions: their commits by their names, oldest first, without those withdrawn.
        withdrawn: likewise those withdrawn.
        moves: oldest first; `gto assign --skip-registration` names a commit for a version.
    """

    experiment: str
    versions: dict[str, str]
    withdrawn: dict[str, str]
    moves: list[Move]

    def assigned(self, stage: str) -> list[str]:
        """Return the versions put into a stage on top of each other, withdrawn or not.

        To return to a version takes off all that came after it. `dvc artifacts get` follows the
        last one, even if it was withdrawn since.
        """
        stack: list[str] = []
        for move in self.moves:
            if move.stage != stage:
                continue
            if move.version is None:
                stack.clear()
            elif move.version in stack:
                del stack[stack.index(move.version) + 1 :]
            else:
                stack.append(move.version)
        return stack

    def held(self, stage: str) -> list[str]:
        """Return those of the versions put into a stage that may be used, the holder last."""
        return [version for version in self.assigned(stage) if version not in self.withdrawn]

    def holder(self, stage: str) -> str | None:
        """Return the version that is in a stage."""
        return next(reversed(self.held(stage)), None)

    def commit_of(self, version: str) -> str:
        """Return the commit of a version, which is its own name if it was never registered."""
        return self.versions.get(version, version)

    def predecessor(self, stage: str) -> str:
        """Return the version to go back to: the last one below what was assigned last.

        Raises:
            StageError: if there is none.
        """
        below = [version for version in self.assigned(stage)[:-1] if version in self.held(stage)]
        if not below:
            raise StageError(
                f"'{self.experiment}' has nothing to go back to: expected at least two versions "
                f"that were in {stage}. See python -m tasks.promote."
            )
        return below[-1]


def read_history(experiment: str) -> History:
    """Read the tags of one experiment."""
    events = asked(lambda: api.history(".", experiment, ascending=True))
    versions: dict[str, str] = {}
    withdrawn: dict[str, str] = {}
    moves = []
    for event in events:
        if event["event"] == "registration":
            versions[event["version"]] = event["commit"]
            withdrawn.pop(event["version"], None)
        elif event["event"] == "deregistration":
            withdrawn[event["version"]] = event["commit"]
            versions.pop(event["version"], None)
        elif number := NUMBER.search(event["ref"]):
            version = event["version"] if event["event"] == "assignment" else None
            moves.append(Move(int(number[1]), event["stage"], version))
    moves.sort(key=lambda move: move.number)
    return History(experiment, oldest_first(versions), oldest_first(withdrawn), moves)


def oldest_first(versions: dict[str, str]) -> dict[str, str]:
    """Return versions and their commits in the order of their numbers."""
    return dict(sorted(versions.items(), key=lambda item: number_of(item[0])))


def number_of(version: str) -> tuple[int, ...]:
    """Return what orders versions: `v2.0.0` as 2, 0, 0."""
    return tuple(map(int, re.findall(r"\d+", version)))


def register(experiment: str, commit: str, message: str) -> str:
    """Make a commit the next version of an experiment's model; return its name.

    The number of a version that was withdrawn is not given again.
    """
    history = read_history(experiment)
    known = [*history.versions, *history.withdrawn]
    highest = max((number_of(version)[0] for version in known), default=0)
    version = f"v{highest + 1}.0.0"
    made = asked(
        lambda: api.register(".", experiment, commit, version, message=message, force=True)
    )
    return str(made.version)


def assign(experiment: str, version: str, stage: str, message: str) -> str:
    """Put a version into a stage; return the name of the tag that says so.

    Raises:
        StageError: if it was withdrawn, or GTO refuses.
    """
    if version in read_history(experiment).withdrawn:
        raise StageError(
            f"'{experiment}' {version} was withdrawn: expected a version that may be used. "
            f"See python -m tasks.promote, or take it back: git tag --delete "
            f"'{experiment}@{version}!'"
        )
    made = asked(
        lambda: api.assign(".", experiment, stage, version=version, message=message, force=True)
    )
    return str(made.tag)


def asked(do: Any) -> Any:  # noqa: ANN401 (GTO's own types)
    """Ask GTO.

    Raises:
        StageError: with what GTO says, if it refuses.
    """
    try:
        return do()
    except GTOException as error:
        raise StageError(
            f"the registry refuses: {error}. Expected git tags as GTO writes them (gto doctor)."
        ) from error
