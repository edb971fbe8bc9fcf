"""Unfinished work of a long stage, kept so that it goes on where it was killed.

It lies in `data/scratch`, under a digest of everything that it depends on, so that no other
run takes it for its own, and it goes when the stage succeeds.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import tasks
from tasks.stage import SCRATCH, remove
from tasks.stage.locks import held

ROOT = Path(tasks.__file__).parent
KEY_LENGTH = 32  # hexadecimal digits


@contextmanager
def unfinished(stage: str, name: str, inputs: Iterable[bytes | memoryview]) -> Iterator[Path]:
    """Yield the folder for unfinished work with these inputs, one process at a time.

    It may not be there yet.

    Args:
        stage: whose work it is.
        name: of the dataset or the experiment.
        inputs: all that the result depends on, in a fixed order.

    Raises:
        Busy: if another process is at this work.
    """
    digest = sha256()
    for part in inputs:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    with held(SCRATCH / f"{stage}-{name}.lock", f"{stage} {name}"):
        yield SCRATCH / stage / name / digest.hexdigest()[:KEY_LENGTH]
        remove(SCRATCH / stage / name)


def code(*places: str) -> Iterator[bytes]:
    """Yield the Python files in some folders of `tasks/`, names and contents."""
    for place in places:
        for path in sorted((ROOT / place).rglob("*.py")):
            yield str(path.relative_to(ROOT)).encode()
            yield path.read_bytes()
