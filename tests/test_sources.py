"""Where files come from: a mirror, packages, web places, one after the other."""

import os
import sys

import pytest

from tasks.datasets import downloads
from tasks.datasets.archives import Unusable
from tasks.datasets.sources import first_good, local, located, mirrored
from tasks.stage import StageError


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)


@pytest.fixture
def scratch(tmp_path):
    return tmp_path / "scratch"


def only(content):
    """Return an `accept` that takes one content."""

    def accept(path):
        if path.read_bytes() != content:
            raise Unusable("wrong bytes")

    return accept


# ---- where to look --------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_mirror_there_is_no_place_for_one(monkeypatch, value):
    monkeypatch.delenv("DATASET_MIRROR", raising=False)
    if value is not None:
        monkeypatch.setenv("DATASET_MIRROR", value)
    assert mirrored("mnist", ["a.gz"]) == []


def test_a_mirror_folder_gives_the_names_that_it_has(monkeypatch, tmp_path):
    monkeypatch.setenv("DATASET_MIRROR", str(tmp_path))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.tar.xz").touch()
    assert mirrored("set", ["a.zip", "a.tar.xz", "a.tar"]) == [f"{tmp_path}/set/a.tar.xz"]


def test_an_empty_mirror_folder_is_still_told(monkeypatch, tmp_path):
    monkeypatch.setenv("DATASET_MIRROR", str(tmp_path))
    assert mirrored("set", ["a.zip", "a.tar"]) == [f"{tmp_path}/set/a.zip"]


def test_a_mirror_may_lie_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATASET_MIRROR", "~/mirror")
    assert mirrored("set", ["a"]) == [f"{tmp_path}/mirror/set/a"]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_mirror_on_the_web_is_asked_for_every_name(monkeypatch, end):
    monkeypatch.setenv("DATASET_MIRROR", f"http://mirror/x{end}")
    assert mirrored("set", ["a.zip", "a.tar"]) == ["http://mirror/x/set/a.zip", "http://mirror/x/set/a.tar"]  # fmt: skip  # noqa: E501


def test_a_name_is_quoted_in_a_web_address_only():
    assert located("https://x/", "a b#1.gz") == "https://x/a%20b%231.gz"
    assert located("/x", "a b#1.gz") == "/x/a b#1.gz"


def test_a_file_that_a_package_ships_is_found_without_importing_it():
    before = set(sys.modules)
    path = local("package://sklearn.datasets.data/digits.csv.gz")
    assert path.is_file()
    assert not {name for name in set(sys.modules) - before if name.startswith("sklearn")}


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("package://no_such_package.data/x.gz", "no package 'no_such_package' is installed"),
        ("package://sys/x.gz", "no package 'sys' is installed"),
        ("package://sklearn.datasets.data/nothing.gz", "no such file"),
        ("/nowhere/x.gz", "no such file"),
        ("/", "no such file"),
        ("ftp://somewhere/x.gz", "no such file"),
    ],
)
def test_a_place_that_is_not_there_is_told(location, why):
    with pytest.raises(Unusable, match=f"^{why}$"):
        local(location)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path):
    (tmp_path / "x").touch(mode=0)
    with pytest.raises(Unusable, match="it may not be read"):
        local(str(tmp_path / "x"))


# ---- one after the other --------------------------------------------------------------


def test_the_first_good_place_is_taken(web, tmp_path, scratch):
    web.files["good"] = b"good"
    (tmp_path / "good").write_bytes(b"good")
    places = [str(tmp_path / "good"), f"{web.root}/good"]
    assert first_good("good", places, scratch, only(b"good"), "") == places[0]
    assert web.asked == []


def test_wrong_bytes_make_way_for_the_next_place(web, tmp_path, scratch, capsys):
    web.files |= {"bad": b"bad!", "good": b"good"}
    (tmp_path / "bad").write_bytes(b"bad?")
    places = [str(tmp_path / "bad"), f"{web.root}/bad", f"{web.root}/none", f"{web.root}/good"]
    assert first_good("good", places, scratch, only(b"good"), "") == places[3]
    assert f"tried {web.root}/none: HTTP status 404 Not Found" in capsys.readouterr().err
    assert (tmp_path / "bad").read_bytes() == b"bad?", "what is not ours stays"


def test_a_wrong_download_is_forgotten_so_that_the_next_starts_fresh(web, scratch):
    web.files["x"] = b"bad!"
    with pytest.raises(StageError):
        first_good("x", [f"{web.root}/x"], scratch, only(b"good"), "")
    assert list(scratch.iterdir()) == []
    web.files["x"] = b"good"
    first_good("x", [f"{web.root}/x"], scratch, only(b"good"), "")
    assert web.ranges_asked() == [None, None]


def test_a_broken_off_download_is_kept_for_the_next_run(web, scratch):
    web.files["x"], web.cuts = b"good", [2, 0, 0]
    with pytest.raises(StageError, match="the connection ended after 2 of 4 bytes"):
        first_good("x", [f"{web.root}/x"], scratch, only(b"good"), "")
    first_good("x", [f"{web.root}/x"], scratch, only(b"good"), "")
    assert web.ranges_asked()[-1] == "bytes=2-"


def test_an_interrupt_keeps_what_was_downloaded(web, scratch):
    web.files["x"] = b"good"

    def interrupt(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first_good("x", [f"{web.root}/x"], scratch, interrupt, "")
    assert [path.read_bytes() for path in scratch.glob("*.part")] == [b"good"]


def test_when_all_fail_everything_tried_is_listed_with_what_to_do(web, scratch):
    web.files["x"] = b"bad!"
    places = ["/nowhere/x", f"{web.root}/none", f"{web.root}/x"]
    with pytest.raises(StageError, match=r"^no source gave 'x'. Tried:") as caught:
        first_good("x", places, scratch, only(b"good"), "Do this.")
    assert str(caught.value).splitlines()[1:] == [
        "  /nowhere/x: no such file",
        f"  {web.root}/none: HTTP status 404 Not Found",
        f"  {web.root}/x: wrong bytes",
        "Do this.",
    ]
