"""Archives that are honest, odd, broken and hostile, all made here."""

import gzip
import io
import lzma
import os
import random
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.datasets.archives import Unusable, unpack
from tasks.stage import StageError

PICTURES = {"set/cats/1.jpg": b"a cat", "set/dogs/1.jpg": b"a dog", "set/vectorize.py": b"print()"}
MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.xz": "w:xz", ".tar.bz2": "w:bz2"}


def entry(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(path: Path, *entries: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return path


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """Pack files in whatever container the path's ending names."""
    ending = next((e for e in MODES if path.name.endswith(e)), None)
    if ending:
        return tar(path, *(entry(name, text) for name, text in files.items()), mode=MODES[ending])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def everything(_: str) -> bool:
    return True


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Return a function that unpacks an archive and returns the files by path."""

    def run(archive: Path, limit: int = 1, wanted: Callable[[str], bool] = everything):
        unpack(archive, tmp_path / "out", max_unpacked_mib=limit, wanted=wanted)
        return files_in(tmp_path / "out")

    return run


# ---- honest ones ----------------------------------------------------------------------


@pytest.mark.parametrize("ending", [*MODES, ".zip"])
def test_every_container_gives_the_same_files(tmp_path, opened, ending):
    archive = pack(tmp_path / f"set{ending}", PICTURES)
    assert opened(archive) == PICTURES


def test_the_container_is_told_by_its_bytes_and_not_by_its_name(tmp_path, opened):
    archive = pack(tmp_path / "set.zip", PICTURES).rename(tmp_path / "set.tar.gz")
    assert opened(archive) == PICTURES


def test_only_wanted_members_are_written(tmp_path, opened):
    archive = pack(tmp_path / "set.tar.xz", PICTURES)
    kept = opened(archive, wanted=lambda name: name.endswith(".jpg"))
    assert sorted(kept) == ["set/cats/1.jpg", "set/dogs/1.jpg"]


def test_the_digest_of_each_file_is_returned(tmp_path):
    archive = pack(tmp_path / "set.zip", PICTURES)
    digests = unpack(archive, tmp_path / "out", max_unpacked_mib=1, wanted=everything)
    assert digests == {name: sha256(text).hexdigest() for name, text in PICTURES.items()}


def test_an_empty_class_folder_stays(tmp_path, opened):
    opened(tar(tmp_path / "a.tar", entry("cats", type=tarfile.DIRTYPE), entry("dogs/1", b"x")))
    assert (tmp_path / "out/cats").is_dir()


def test_a_leading_dot_changes_no_path(tmp_path, opened):
    assert opened(pack(tmp_path / "a.tar", {"./cats//1.jpg": b"x"})) == {"cats/1.jpg": b"x"}


@pytest.mark.parametrize("ending", [".tar", ".zip"])
@pytest.mark.parametrize("name", ["Käse/ñ 1.jpg", '猫/😺, "x".jpg', "a b/' .jpg", "x/" + "n" * 200])
def test_any_name_survives(tmp_path, opened, ending, name):
    assert opened(pack(tmp_path / f"a{ending}", {name: b"x"})) == {name: b"x"}


def rewritten(archive: Path, old: bytes, new: bytes) -> Path:
    archive.write_bytes(archive.read_bytes().replace(old, new))
    return archive


def test_unmarked_utf8_names_in_a_zip_are_understood(tmp_path, opened):
    archive = pack(tmp_path / "a.zip", {"K_____/1.jpg": b"x"})
    assert opened(rewritten(archive, b"K_____", "Katze".replace("a", "ä").encode())) == {
        "Kätze/1.jpg": b"x"
    }


def test_a_zip_with_names_in_another_encoding_still_opens(tmp_path, opened):
    archive = rewritten(pack(tmp_path / "a.zip", {"K_tze/1.jpg": b"x"}), b"K_tze", b"K\xe4tze")
    assert list(opened(archive).values()) == [b"x"]


def test_backslashes_in_a_zip_are_folders(tmp_path, opened):
    archive = rewritten(pack(tmp_path / "a.zip", {"cats/1.jpg": b"x"}), b"cats/1", b"cats\\1")
    assert opened(archive) == {"cats/1.jpg": b"x"}


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system wants UTF-8")
def test_names_in_latin_1_keep_their_bytes(tmp_path, opened):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as made:
        made.addfile(entry("Kätze/1.jpg", b"x")[0], io.BytesIO(b"x"))
    assert [os.fsencode(name) for name in opened(archive)] == [b"K\xe4tze/1.jpg"]


# ---- hostile ones ---------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".tar", ".zip"])
@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "a/..", "//x"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, opened, ending, name):
    archive = pack(tmp_path / f"a{ending}", {"ok": b"", name: b"bad"})
    with pytest.raises(Unusable, match=f"member '{name}' points out of the folder"):
        opened(archive)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{ending}", "out"]


def test_a_backslash_does_not_hide_a_way_out_of_the_folder(tmp_path, opened):
    archive = rewritten(pack(tmp_path / "a.zip", {"aa/x": b""}), b"aa/x", b"..\\x")
    with pytest.raises(Unusable, match=r"member '\.\./x' points out"):
        opened(archive)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_device_in_a_tar_is_refused(tmp_path, opened, kind):
    archive = tar(tmp_path / "a.tar", entry("x", type=kind, linkname="/etc/passwd"))
    with pytest.raises(Unusable, match="member 'x' is a link or a device"):
        opened(archive)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_link_or_device_in_a_zip_is_refused(tmp_path, opened, kind):
    info = zipfile.ZipInfo("x")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(Unusable, match="member 'x' is a link or a device"):
        opened(tmp_path / "a.zip")


def test_nothing_is_written_through_a_link(tmp_path, opened):
    link = entry("way", type=tarfile.SYMTYPE, linkname="..")
    with pytest.raises(Unusable, match="is a link"):
        opened(tar(tmp_path / "a.tar", link, entry("way/x", b"bad")))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("ending", [".tar", ".zip"])
@pytest.mark.parametrize("wanted", [everything, lambda name: False])
def test_an_unwanted_member_is_refused_like_any(tmp_path, opened, ending, wanted):
    with pytest.raises(Unusable, match="points out"):
        opened(pack(tmp_path / f"a{ending}", {"../x": b""}), wanted=wanted)


@pytest.mark.parametrize("again", ["a/x", "./a/x", "a//x", "a"])
def test_two_members_in_one_place_are_refused(tmp_path, opened, again):
    archive = tar(tmp_path / "a.tar", entry("a/x", b"1"), entry(again, b"2"))
    with pytest.raises(Unusable, match="two of its members want the same place"):
        opened(archive)


def test_a_file_that_must_be_a_folder_too_is_refused(tmp_path, opened):
    with pytest.raises(Unusable, match="two of its members want the same place"):
        opened(tar(tmp_path / "a.tar", entry("a", b"1"), entry("a/x", b"2")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_in_a_zip_are_refused(tmp_path, opened):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", "1")
        archive.writestr("x", "2")
    with pytest.raises(Unusable, match="want the same place 'x'"):
        opened(tmp_path / "a.zip")


def test_an_encrypted_zip_is_refused(tmp_path, opened):
    archive = pack(tmp_path / "a.zip", {"x": b"secret"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # the flag in the member's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    archive.write_bytes(content)
    with pytest.raises(Unusable, match="member 'x' is encrypted"):
        opened(archive)


# ---- too large ------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path, opened, ending):
    archive = pack(tmp_path / f"bomb{ending}", {"zeros": bytes(30 << 20)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(Unusable, match="more than max_unpacked_mib: 2"):
        opened(archive, limit=2)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 2 << 20


def test_the_limit_is_on_the_sum(tmp_path, opened):
    archive = pack(tmp_path / "a.tar.gz", {f"{i}": bytes(300 << 10) for i in range(4)})
    with pytest.raises(Unusable, match="max_unpacked_mib: 1"):
        opened(archive, limit=1)


def test_what_one_limit_refuses_a_higher_one_takes(tmp_path, opened):
    archive = pack(tmp_path / "a.tar.gz", {f"{i}": bytes(300 << 10) for i in range(4)})
    assert len(opened(archive, limit=2)) == 4


def test_an_archive_just_below_the_limit_is_taken(tmp_path, opened):
    archive = pack(tmp_path / "a.zip", {"x": bytes((1 << 20) - 512)})
    assert len(opened(archive, limit=1)["x"]) == (1 << 20) - 512


def test_a_multitude_of_empty_files_is_a_bomb_too(tmp_path, opened):
    archive = pack(tmp_path / "a.tar.gz", {f"{i}": b"" for i in range(2100)})
    with pytest.raises(Unusable, match="max_unpacked_mib: 1"):
        opened(archive, limit=1)


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path, opened):
    size = 5 << 20
    archive = pack(tmp_path / "a.zip", {"x": bytes(size)})
    rewritten(archive, size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(Unusable, match="broken"):
        opened(archive)
    assert (tmp_path / "out/x").stat().st_size <= 10


def test_holes_in_a_sparse_file_count(tmp_path, opened):
    fields = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x",
              "GNU.sparse.realsize": str(1 << 40)}  # fmt: skip
    info, content = entry("GNUSparseFile.0/x", b"0\n".ljust(512, b"\0"), pax_headers=fields)
    archive = tar(tmp_path / "a.tar", (info, content))
    with pytest.raises(Unusable, match="max_unpacked_mib: 1"):
        opened(archive)


# ---- broken ones ----------------------------------------------------------------------


def noise(n: int) -> bytes:
    return random.Random(0).randbytes(n)


@pytest.mark.parametrize("ending", [*MODES, ".zip"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_cut_archive_is_refused(tmp_path, opened, ending, share):
    archive = pack(tmp_path / f"a{ending}", {f"{i}.jpg": noise(9_000 + i) for i in range(9)})
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Unusable, match=r"broken|cut short"):
        opened(archive)


def test_a_tar_cut_between_two_members_is_refused(tmp_path, opened):
    archive = pack(tmp_path / "a.tar", {"1": bytes(512), "2": bytes(512)})
    archive.write_bytes(archive.read_bytes()[:1024])
    with pytest.raises(Unusable, match="it is cut short: its end is missing"):
        opened(archive)


def test_a_tar_with_a_damaged_header_in_the_middle_is_refused(tmp_path, opened):
    archive = pack(tmp_path / "a.tar", {"1": bytes(512), "2": bytes(512)})
    content = bytearray(archive.read_bytes())
    content[1024 + 100] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(Unusable, match="its end is missing"):
        opened(archive)


def test_damaged_bytes_in_a_zip_are_noticed(tmp_path, opened):
    archive = pack(tmp_path / "a.zip", {"x": noise(5000)})
    content = bytearray(archive.read_bytes())
    content[2500] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(Unusable, match="it is broken, or neither zip nor tar"):
        opened(archive)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"P", b"hello", b"PK\x03\x04" + bytes(50), gzip.compress(b"no tar"),
     lzma.compress(b"no tar"), noise(3000), b"BZh9" + noise(100), b"\x1f\x8b" + noise(100)],
)  # fmt: skip
def test_what_is_no_archive_is_refused_in_one_line(tmp_path, opened, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Unusable, match="it is broken, or neither zip nor tar") as caught:
        opened(tmp_path / "a.zip")
    assert "\n" not in str(caught.value)


def test_an_unknown_way_of_packing_is_refused(tmp_path, opened):
    archive = pack(tmp_path / "a.zip", {"x": b"content"})
    content = bytearray(archive.read_bytes())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 98
    archive.write_bytes(content)
    with pytest.raises(Unusable, match="compression"):
        opened(archive)


def test_a_name_with_a_null_byte_is_refused(tmp_path, opened):
    archive = tar(tmp_path / "a.tar", entry("x", b"1", pax_headers={"path": "a\0b"}))
    with pytest.raises(Unusable, match="null byte"):
        opened(archive)


def test_a_name_that_the_disk_does_not_take_is_named(tmp_path, opened):
    archive = pack(tmp_path / "a.tar", {"n" * 300: b"x"})
    with pytest.raises(
        StageError, match=r"cannot unpack the archive '.*a.tar': File name too long: '.*nnn'"
    ):
        opened(archive)


def test_random_damage_never_ends_in_a_traceback(tmp_path, opened):
    chance = random.Random(1)
    for ending in [".zip", ".tar", ".tar.gz"]:
        good = pack(tmp_path / f"a{ending}", {"a/1": noise(400), "b/2": b"x" * 400}).read_bytes()
        for i in range(60):
            content = bytearray(good)
            for _ in range(chance.randint(1, 8)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            (tmp_path / "bad").write_bytes(content)
            out = tmp_path / f"{i}{ending}"
            with suppress(Unusable, StageError):  # anything else fails the test
                unpack(tmp_path / "bad", out, max_unpacked_mib=1, wanted=everything)
