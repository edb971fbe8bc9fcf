"""Unpack an archive that nobody vouches for, and check what was in it.

A dataset may be packed as a zip or as any tar, so its members are checked and not the
container. Links, devices, paths that leave the folder, encrypted members and two members of
one name are refused; Python's own tar filter is not relied on, for 3.11.0 has none. The
limit on size is counted while unpacking, because headers lie.
"""

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from tasks.stage import StageError, progress

CHUNK = 1 << 20
KIB = 1 << 10
MIB = 1 << 20
HEADER = 512  # bytes that a member costs at least, as in a tar: millions of empty files count
UTF8_NAME = 0x800  # zip flags
ENCRYPTED = 0x1
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,  # an unknown way of packing
    ValueError,  # a name that no file can have
)


class Unusable(Exception):
    """A source without good bytes; `str()` of it says why, in plain words."""


class Member(NamedTuple):
    """A file in an archive, or a folder (then without content)."""

    name: str
    content: IO[bytes] | None


class Meter:
    """Counts what is unpacked against the limit, and shows how much of the archive is read."""

    def __init__(self, file: IO[bytes], max_mib: int, advance: Callable[[int], None]) -> None:
        self.file, self.max_mib, self.advance = file, max_mib, advance
        self.unpacked = self.read_kib = 0

    def count(self, n: int) -> None:
        """Count `n` more bytes.

        Raises:
            Unusable: if they are too many.
        """
        self.unpacked += n
        if self.unpacked > self.max_mib * MIB:
            raise Unusable(f"it unpacks to more than max_unpacked_mib: {self.max_mib}")
        now = max(self.read_kib, self.file.tell() // KIB)
        self.advance(now - self.read_kib)
        self.read_kib = now


def unpack(
    archive: Path, folder: Path, *, max_unpacked_mib: int, wanted: Callable[[str], bool]
) -> dict[str, str]:
    """Write the wanted members of an archive below `folder`, which need not exist.

    Unwanted members are read, too, so that an archive is refused for any of its members.

    Returns:
        the SHA-256 of each file written, by its path with forward slashes.

    Raises:
        Unusable: if the archive is broken, breaks a rule, or is larger than allowed.
        StageError: if the disk does not take it.
    """
    digests: dict[str, str] = {}
    what = f"unpacking {archive.name} (KiB)"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        errors_in_plain_words(archive),
        archive.open("rb") as file,
        progress(what, archive.stat().st_size // KIB) as advance,
    ):
        meter = Meter(file, max_unpacked_mib, advance)
        for member in members(file):
            meter.count(HEADER)
            name = inside(member.name)
            if member.content and wanted(name):
                digests[name] = store(member.content, folder / name, meter)
            elif member.content:
                skip(member.content, meter)
            elif wanted(name):
                (folder / name).mkdir(parents=True, exist_ok=True)
    return digests


def store(content: IO[bytes], target: Path, meter: Meter) -> str:
    """Write a new file and return its SHA-256."""
    digest = sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while chunk := content.read(CHUNK):
            meter.count(len(chunk))
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def skip(content: IO[bytes], meter: Meter) -> None:
    """Read a file without keeping it."""
    while chunk := content.read(CHUNK):
        meter.count(len(chunk))


def inside(name: str) -> str:
    """Return a member's path, normalised, if it stays in the folder.

    Raises:
        Unusable: if it is absolute or climbs with `..`.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Unusable(f"member '{name}' points out of the folder")
    return str(path)


@contextmanager
def errors_in_plain_words(archive: Path) -> Iterator[None]:
    """Turn what tarfile and zipfile raise into `Unusable`, a full disk into `StageError`."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        where = Path(error.filename).name
        raise Unusable(f"two of its members want the same place '{where}'") from error
    except (*BROKEN, OSError) as error:
        if not isinstance(error, OSError) or error.errno is None:  # gzip and bz2 set no number
            why = str(error).partition("\n")[0].rstrip(":")
            raise Unusable(f"it is broken, or neither zip nor tar ({why})") from error
        at = error.filename or archive
        raise StageError(
            f"cannot unpack the archive '{archive}': {error.strerror}: '{at}'."
        ) from error


def members(file: IO[bytes]) -> Iterator[Member]:
    """List what is in a zip or in a tar of any compression."""
    is_zip = file.read(2) == b"PK"
    file.seek(0)
    return zip_members(file) if is_zip else tar_members(file)


def tar_members(file: IO[bytes]) -> Iterator[Member]:
    """List a tar, which must have its end, for tarfile takes a cut one for a shorter one."""
    with tarfile.open(fileobj=file, mode="r:*") as tar:
        for entry in tar:
            if not (entry.isreg() or entry.isdir()):
                raise Unusable(f"member '{entry.name}' is a link or a device")
            yield Member(entry.name, tar.extractfile(entry))
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise Unusable("it is cut short: its end is missing")


def zip_members(file: IO[bytes]) -> Iterator[Member]:
    """List a zip."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = zip_name(entry)
            if entry.flag_bits & ENCRYPTED:
                raise Unusable(f"member '{name}' is encrypted")
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Unusable(f"member '{name}' is a link or a device")
            if name.endswith("/"):
                yield Member(name, None)
            else:
                with archive.open(entry) as content:
                    yield Member(name, content)


def zip_name(entry: zipfile.ZipInfo) -> str:
    r"""Return the name as it was meant: many tools write UTF-8 unmarked, or `\` for `/`."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):  # truly cp437 then
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
