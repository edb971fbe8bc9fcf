"""Downloads from a real server that breaks off, changes its mind, or cannot do ranges."""

import os
import random
import socket
import subprocess
import sys
import time

import pytest

from tasks.datasets import downloads
from tasks.datasets.archives import Unusable
from tasks.datasets.downloads import download
from tasks.stage import StageError
from tests.conftest import ROOT

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)


@pytest.fixture
def scratch(tmp_path):
    return tmp_path / "scratch"


@pytest.fixture
def url(web):
    web.files["a.bin"] = CONTENT
    return f"{web.root}/a.bin"


def broken_off(web, url, scratch, after=100_000):
    """Leave a partial file behind, as a killed run does."""
    web.cuts = [after, 0, 0]
    with pytest.raises(Unusable):
        download(url, scratch)
    web.cuts, web.asked = [], []
    (partial,) = scratch.glob("*.part")
    assert partial.stat().st_size == after


def test_a_download_gives_the_bytes_of_the_server(url, scratch):
    assert download(url, scratch).read_bytes() == CONTENT


def test_an_empty_file_is_a_file(web, url, scratch):
    web.files["a.bin"] = b""
    assert download(url, scratch).read_bytes() == b""


def test_a_server_may_hide_the_length(web, url, scratch):
    web.lengths = False
    assert download(url, scratch).read_bytes() == CONTENT


def test_a_download_that_breaks_off_goes_on_at_once(web, url, scratch):
    web.cuts = [100_000, 50_000]
    assert download(url, scratch).read_bytes() == CONTENT
    assert web.ranges_asked() == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_asks_for_the_rest_only(web, url, scratch):
    broken_off(web, url, scratch)
    assert download(url, scratch).read_bytes() == CONTENT
    ((_, headers),) = web.asked
    assert (headers["Range"], headers["If-Range"]) == ("bytes=100000-", '"one"')


def test_a_whole_file_is_not_sent_again(web, url, scratch):
    download(url, scratch)
    web.cuts = [0]
    assert download(url, scratch).read_bytes() == CONTENT
    assert web.ranges_asked() == [None, "bytes=300000-"]
    assert web.cuts == [0], "no body was sent"


def test_two_addresses_have_two_partial_files(web, url, scratch):
    broken_off(web, url, scratch)
    web.files["b.bin"] = OTHER
    assert download(f"{web.root}/b.bin", scratch).read_bytes() == OTHER
    assert download(url, scratch).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_the_file_again(web, url, scratch):
    broken_off(web, url, scratch)
    web.ranges = False
    assert download(url, scratch).read_bytes() == CONTENT


def test_a_server_without_ranges_that_keeps_breaking_off_is_given_up(web, url, scratch):
    web.ranges, web.cuts = False, [1000] * 50
    with pytest.raises(Unusable, match="the connection ended after 1,000 of 300,000 bytes"):
        download(url, scratch)
    assert len(web.asked) == 1 + downloads.TRIES


@pytest.mark.parametrize("if_range", [True, False])
def test_a_changed_file_is_fetched_from_its_start(web, url, scratch, if_range):
    broken_off(web, url, scratch)
    web.files["a.bin"], web.etag, web.if_range = OTHER, '"two"', if_range
    assert download(url, scratch).read_bytes() == OTHER


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_without_a_strong_version_the_length_tells_a_changed_file(web, url, scratch, etag):
    web.etag = etag
    broken_off(web, url, scratch)
    web.files["a.bin"] = OTHER[:299_000]
    assert download(url, scratch).read_bytes() == OTHER[:299_000]


def test_without_a_version_an_unchanged_file_goes_on(web, url, scratch):
    web.etag = None
    broken_off(web, url, scratch)
    assert download(url, scratch).read_bytes() == CONTENT
    assert web.ranges_asked() == ["bytes=100000-"]


@pytest.mark.parametrize("length", [99_999, 5])
def test_a_file_that_shrank_is_fetched_from_its_start(web, url, scratch, length):
    broken_off(web, url, scratch)
    web.files["a.bin"], web.if_range = OTHER[:length], False
    assert download(url, scratch).read_bytes() == OTHER[:length]


@pytest.mark.parametrize("text", ["", "5", "[]", '["one"]', "{"])
def test_a_damaged_note_means_a_fresh_start(web, url, scratch, text):
    broken_off(web, url, scratch)
    (note,) = scratch.glob("*.json")
    note.write_text(text)
    assert download(url, scratch).read_bytes() == CONTENT


def test_what_was_packed_on_the_way_is_not_unpacked(web, url, scratch):
    download(url, scratch)
    ((_, headers),) = web.asked
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Forbidden"), (404, "Not Found"), (503, "Service Unavailable")]
)
def test_a_refusal_is_told_and_not_repeated(web, url, scratch, status, words):
    web.status = status
    with pytest.raises(Unusable, match=f"^HTTP status {status} {words}$"):
        download(url, scratch)
    assert len(web.asked) == 1


def test_a_server_that_is_not_there_is_told_in_plain_words(scratch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unusable, match=r"^Failed to establish a new conn.*refused$"):
            download(f"http://127.0.0.1:{unused.getsockname()[1]}/a", scratch)


def test_a_host_that_is_not_there_is_told_in_plain_words(scratch):
    with pytest.raises(Unusable, match=r"^Failed to resolve 'nowhere.invalid'"):
        download("http://nowhere.invalid/a", scratch)


def test_a_server_that_says_nothing_is_given_up(scratch, monkeypatch):
    monkeypatch.setattr(downloads, "READ_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        with pytest.raises(Unusable, match=r"^Read timed out"):
            download(url, scratch)


def test_an_address_that_is_none_is_told(scratch):
    with pytest.raises(Unusable, match="not a valid host or port"):
        download("http://[bad/a", scratch)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_disk_is_told(url, scratch):
    scratch.mkdir(mode=0o500)
    with pytest.raises(StageError, match=r"cannot write the file '.*part': Permission denied"):
        download(url, scratch)


def test_a_place_that_cannot_be_written_is_told(url, scratch):
    download(url, scratch).unlink()
    (note,) = scratch.glob("*.json")
    note.unlink()
    note.mkdir()
    with pytest.raises(StageError, match=r"cannot write the file '.*': Is a directory"):
        download(url, scratch)


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(web, url, scratch):
    web.files["a.bin"] = content = CONTENT * 100
    code = (
        "import sys; from pathlib import Path; from tasks.datasets import downloads as d;"
        "import time; d.progress = lambda *_: __import__('contextlib').nullcontext("
        "lambda n: time.sleep(0.02)); d.download(sys.argv[1], Path(sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, url, str(scratch)], cwd=ROOT)
    while not any(path.stat().st_size for path in scratch.glob("*.part")):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    (partial,) = scratch.glob("*.part")
    have = partial.stat().st_size
    assert 0 < have < len(content)
    assert download(url, scratch).read_bytes() == content
    assert web.ranges_asked() == [None, f"bytes={have}-"]
