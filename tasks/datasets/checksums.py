"""Whether files are the promised ones: a SHA-256 for each, or one over the list of them all.

The digest of a list is that of the text which `sha256sum` prints for the files, sorted by
name in byte order, so that anybody can make one with standard tools.
"""

import os
from fnmatch import fnmatchcase
from hashlib import file_digest, sha256
from pathlib import Path

from tasks.datasets.archives import Unusable
from tasks.params import Members


def check(digests: dict[str, str], expected: dict[str, str] | Members) -> None:
    """Compare the SHA-256 of files by path with what params.yaml says.

    Raises:
        Unusable: if one differs or is missing.
    """
    if isinstance(expected, Members):
        got = list_digest(digests)
        if got != expected.sha256:
            raise Unusable(
                f"{len(digests)} members '{expected.pattern}': expected SHA-256 of their list "
                f"{expected.sha256}, got {got}"
            )
        return
    for name, digest in expected.items():
        if name not in digests:
            raise Unusable(f"it has no '{name}'")
        if digests[name] != digest:
            raise Unusable(f"'{name}': expected SHA-256 {digest}, got {digests[name]}")


def list_digest(digests: dict[str, str]) -> str:
    """Return the SHA-256 of the text that `sha256sum` prints for files, sorted by bytes."""
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests, key=os.fsencode))
    return sha256(b"".join(map(os.fsencode, lines))).hexdigest()


def is_member(name: str, expected: dict[str, str] | Members) -> bool:
    """Say whether a path in an archive belongs to the dataset."""
    if isinstance(expected, Members):
        return fnmatchcase(name, expected.pattern)
    return name in expected


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
