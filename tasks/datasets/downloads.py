"""Downloads that go on where they stopped.

What arrived stays in a partial file beside a note of which version of the file it is of, so
that a later run, after a kill or a night, asks for the rest only (RFC 9110, section 14). A
server that cannot do that, or that has another version by now, gives the whole file again.
"""

import json
import time
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from tasks.datasets.archives import Unusable
from tasks.stage import StageError, progress

if TYPE_CHECKING:
    import requests

CONNECT_S, READ_S = 10, 30  # seconds without a connection, without a byte
TRIES = 2  # in a row that bring nothing new
PAUSE_S = 1.0  # between tries
KIB = 1 << 10
CHUNK = 64 * KIB


class BrokenOff(Exception):
    """A download that ended early and may be tried again; `str()` of it says why."""


def download(url: str, scratch: Path) -> Path:
    """Bring a file into the scratch folder, from where the last attempt stopped.

    A server may break off any number of times, as long as each time brings the file further.

    Raises:
        Unusable: if it cannot be had.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    partial = scratch / f"{sha256(url.encode()).hexdigest()[:16]}.part"
    tries = 0
    while True:
        before = size_of(partial)
        try:
            resume(url, partial)
        except BrokenOff as why:
            tries = 0 if size_of(partial) > before else tries + 1
            if tries == TRIES:
                raise Unusable(str(why)) from why
            time.sleep(PAUSE_S)
        else:
            return partial


def resume(url: str, partial: Path) -> None:
    """Download what is missing of a file.

    Raises:
        BrokenOff: if another try may bring more.
        Unusable: if none will.
    """
    import requests  # not above: it takes a quarter of a second, and a mirror folder needs none
    from urllib3.exceptions import HTTPError

    have = size_of(partial)
    try:
        with requests.get(
            url, headers=headers(partial), stream=True, timeout=(CONNECT_S, READ_S)
        ) as response:
            if response.status_code == 416 and length(response) == have:  # it was whole already
                return
            if response.status_code not in (200, 206, 416):
                raise Unusable(f"HTTP status {response.status_code} {response.reason}")
            if response.status_code != 200 and not continues(response, partial):
                discard(partial)
                raise BrokenOff("the server has another version of the file now")
            receive(response, partial)
    except (requests.RequestException, HTTPError) as error:
        raise BrokenOff(plain(error)) from error
    except OSError as error:
        raise StageError(
            f"cannot write the file '{partial}': {error.strerror or error}."
        ) from error


def headers(partial: Path) -> dict[str, str]:
    """Ask for the bytes after those that are there, if they are still of the same version."""
    wanted = {"Accept-Encoding": "identity"}  # else a server may pack the file once more
    if have := size_of(partial):
        wanted["Range"] = f"bytes={have}-"
        validator, _ = noted(partial)
        if validator:
            wanted["If-Range"] = validator
    return wanted


def continues(response: "requests.Response", partial: Path) -> bool:
    """Say whether a response goes on where the partial file ends, in the same version."""
    have = size_of(partial)
    goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    return goes_on and (have == 0 or version(response) == noted(partial))


def receive(response: "requests.Response", partial: Path) -> None:
    """Write a response behind the partial file, or as a new one.

    Raises:
        BrokenOff: if the connection ends before the file does.
    """
    if response.status_code == 200:
        discard(partial)
    note(partial).write_text(json.dumps(version(response)), encoding="utf-8")
    total = length(response)
    left = (total - size_of(partial)) // KIB
    name = response.url.rpartition("/")[2]
    shown = progress(f"{name} (KiB)", left) if total else nullcontext(lambda _: None)
    response.raw.enforce_content_length = False  # counted below, where the message is plainer
    with shown as advance, partial.open("ab") as file:
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            advance(len(chunk) // KIB)
    if total and size_of(partial) < total:
        raise BrokenOff(f"the connection ended after {size_of(partial):,} of {total:,} bytes")


def version(response: "requests.Response") -> tuple[str, int]:
    """Return what tells one version of a file from another: a validator and the length."""
    tag = response.headers.get("ETag", "")
    strong = "" if tag.startswith("W/") else tag  # weak ones do not promise the same bytes
    return strong or response.headers.get("Last-Modified", ""), length(response)


def length(response: "requests.Response") -> int:
    """Return the length of the whole file in bytes; 0 if the server does not tell."""
    if response.status_code == 200:
        total = response.headers.get("Content-Length", "")
    else:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else 0


def plain(error: Exception) -> str:
    """Return the innermost reason of a failed request, without the names of Python objects."""
    while inner := [arg for arg in (getattr(error, "reason", None), *error.args) if is_error(arg)]:
        error = inner[0]
    return str(error).rpartition("): ")[2]


def is_error(value: object) -> TypeGuard[Exception]:
    """Say whether a part of an error is an error itself."""
    return isinstance(value, Exception)


# ---- the partial file -----------------------------------------------------------------


def size_of(partial: Path) -> int:
    """Return how many bytes are there."""
    return partial.stat().st_size if partial.exists() else 0


def note(partial: Path) -> Path:
    """Return where it is noted which version of the file the bytes are of."""
    return partial.with_suffix(".json")


def noted(partial: Path) -> tuple[str, int]:
    """Return that version; one that no server has, if the note is missing or broken."""
    try:
        validator, total = json.loads(note(partial).read_text(encoding="utf-8"))
    except (OSError, TypeError, ValueError):
        return "", -1
    return str(validator), int(total)


def discard(partial: Path) -> None:
    """Forget what was downloaded, so that the next try starts fresh."""
    partial.unlink(missing_ok=True)
    note(partial).unlink(missing_ok=True)
