"""The stage: from a mirror, the web, a package or one's own folder to data/raw/."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tasks.datasets import downloads
from tasks.datasets.checksums import list_digest
from tasks.download import run
from tasks.stage import StageError
from tests.conftest import ROOT

IMAGES, LABELS = b"images" * 9000, b"labels" * 9000
PICTURES = {"set/cats/1.jpg": b"cat", "set/dogs/1.jpg": b"dog"}
STRAY = {"set/vectorize.py": b"print()", "readme.txt": b"hello"}
RAW = Path("data/raw")
REST = {
    "title": "Own",
    "labels": "data/labels/none.csv",
    "split": {"seed": 0, "val": 0.1, "test": 0.2},
    "check": {
        "leaks": "warn",
        "likeness": 0.85,
        "distinct": 0.85,
        "faint": 5.0,
        "outlier": 6.0,
        "imbalance": 3.0,
    },
    "prepare": {
        "reader": "idx",
        "height": 8,
        "width": 8,
        "channels": 1,
        "max_pixels": 9,
        "max_quarantined": 0.0,
    },
}


def digest(content):
    return sha256(content).hexdigest()


def files_in(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def pack(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    unpacked = path.parent / "unpacked"
    for name, content in files.items():
        (unpacked / name).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / name).write_bytes(content)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in files:
                archive.write(unpacked / name, name)
    else:
        with tarfile.open(path, f"w:{path.suffix[1:]}") as archive:
            for name in files:
                archive.add(unpacked / name, name)
    shutil.rmtree(unpacked)
    return path


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)


@pytest.fixture
def sources(tmp_path, monkeypatch, web, own_params):
    """Enter a project with a dataset of each kind; return a function that changes a field."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DATASET_MIRROR", raising=False)
    listed = list_digest({name: digest(content) for name, content in PICTURES.items()})
    kinds = {
        "files": {
            "kind": "files",
            "watch": "params.yaml",
            "mirror": "numbers",
            "urls": [f"{web.root}/one", f"{web.root}/two"],
            "files": {"images.gz": digest(IMAGES), "labels.gz": digest(LABELS)},
        },
        "archive": {
            "kind": "archive",
            "watch": "params.yaml",
            "mirror": "pets",
            "stem": "pets",
            "urls": [f"{web.root}/pets.zip"],
            "members": {"pattern": "*.jpg", "sha256": listed},
            "max_unpacked_mib": 1,
        },
        "own": {"kind": "local", "watch": "pictures", "max_unpacked_mib": 1},
    }
    params = {**own_params, "experiments": {}}

    def change(name="files", **fields):
        kinds[name] |= fields
        params["datasets"] = {kind: {**REST, "source": kinds[kind]} for kind in kinds}
        Path("params.yaml").write_text(yaml.safe_dump(params), "utf-8")

    change()
    return change


@pytest.fixture
def mirror(sources, tmp_path, monkeypatch):
    monkeypatch.setenv("DATASET_MIRROR", "../mirror")
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def put(folder, **contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(content)


@pytest.fixture
def small_files_only():
    """Return a block in which the system refuses files above 4 KiB, as a full disk does."""

    @contextmanager
    def limit():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit()


def leftovers():
    """Return what is neither finished data nor a download to go on with."""
    found = [*Path("data").rglob("*.part"), *Path("data/raw").glob(".*")]
    return [path for path in found if not path.is_relative_to("data/scratch/download")]


# ---- files ----------------------------------------------------------------------------


def test_files_come_from_the_mirror_first(sources, web, mirror, capsys):
    put(mirror / "numbers", images=IMAGES, labels=LABELS)
    run("files")
    assert files_in(RAW / "files") == {"images.gz": IMAGES, "labels.gz": LABELS}
    assert web.asked == []
    assert "images.gz: from ../mirror/numbers/images.gz, checksum" in capsys.readouterr().out


def test_files_come_from_the_web_where_a_mirror_lacks_them(sources, web, mirror):
    put(mirror / "numbers", images=IMAGES)
    web.files["two/labels.gz"] = LABELS
    run("files")
    assert files_in(RAW / "files") == {"images.gz": IMAGES, "labels.gz": LABELS}
    assert [path for path, _ in web.asked] == ["/one/labels.gz", "/two/labels.gz"]


def test_a_mirror_may_be_on_the_web(sources, web, monkeypatch):
    monkeypatch.setenv("DATASET_MIRROR", f"{web.root}/mirror/")
    web.files |= {"mirror/numbers/images.gz": IMAGES, "mirror/numbers/labels.gz": LABELS}
    run("files")
    assert len(web.asked) == 2


def test_the_embedded_digits_need_nothing(workspace):
    run("digits")
    assert list(files_in(RAW / "digits")) == ["digits.csv.gz"]


def test_a_second_run_fetches_nothing(sources, web, capsys):
    web.files |= {"one/images.gz": IMAGES, "one/labels.gz": LABELS}
    run("files")
    web.asked.clear()
    run("files")
    assert web.asked == []
    assert "complete already" in capsys.readouterr().out


def test_a_damaged_file_is_fetched_again(sources, web):
    web.files |= {"one/images.gz": IMAGES, "one/labels.gz": LABELS}
    run("files")
    (RAW / "files/images.gz").write_bytes(b"damaged")
    (RAW / "files/stranger").touch()
    run("files")
    assert files_in(RAW / "files") == {"images.gz": IMAGES, "labels.gz": LABELS}


def test_wrong_bytes_never_replace_a_good_file(sources, web):
    web.files |= {"one/images.gz": IMAGES, "one/labels.gz": LABELS}
    run("files")
    sources("files", files={"images.gz": digest(IMAGES), "labels.gz": digest(b"new")})
    with pytest.raises(StageError, match=r"no source gave 'labels.gz'"):
        run("files")
    assert files_in(RAW / "files") == {"images.gz": IMAGES, "labels.gz": LABELS}
    assert leftovers() == []


def test_a_wrong_checksum_says_what_was_expected_got_and_from_where(sources, web):
    web.files["one/images.gz"] = b"wrong"
    with pytest.raises(StageError) as caught:
        run("files")
    assert str(caught.value).splitlines() == [
        "no source gave 'images.gz'. Tried:",
        f"  {web.root}/one/images.gz: 'images.gz': expected SHA-256 {digest(IMAGES)}, "
        f"got {digest(b'wrong')}",
        f"  {web.root}/two/images.gz: HTTP status 404 Not Found",
        "Set DATASET_MIRROR to a folder or http(s) URL that holds numbers/images.gz, "
        "numbers/labels.gz; run this again.",
    ]


def test_the_folder_appears_whole_or_not_at_all(sources, web):
    web.files["one/images.gz"] = IMAGES
    with pytest.raises(StageError):
        run("files")
    assert not (RAW / "files").exists()
    assert leftovers() == []


def test_finished_files_of_a_failed_run_are_not_sent_again(sources, web):
    web.files["one/images.gz"] = IMAGES
    with pytest.raises(StageError):
        run("files")
    web.files["one/labels.gz"] = LABELS
    web.asked.clear()
    run("files")
    assert web.ranges_asked() == [f"bytes={len(IMAGES)}-", None]


def test_a_success_clears_the_scratch_folder(sources, web):
    web.files |= {"one/images.gz": IMAGES, "one/labels.gz": LABELS}
    run("files")
    assert not Path("data/scratch/download/files").exists()


def test_a_file_name_that_leaves_the_folder_is_refused(sources, web):
    sources("files", files={"../../x": digest(b"x")})
    web.files["one/../../x"] = b"x"
    with pytest.raises(StageError, match=r"no source gave '../../x'"):
        run("files")
    assert not Path("data/x").exists()


# ---- archives -------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_an_archive_gives_its_verified_members_only_however_packed(sources, mirror, ending):
    pack(mirror / f"pets/pets{ending}", PICTURES | STRAY)
    run("archive")
    assert files_in(RAW / "archive") == PICTURES


@pytest.mark.parametrize("ending", [".tgz", ".tar"])
def test_the_other_endings_of_tars_are_known_too(sources, mirror, ending):
    pack(mirror / "pets/pets.tar.gz", PICTURES).rename(mirror / f"pets/pets{ending}")
    run("archive")
    assert files_in(RAW / "archive") == PICTURES


def test_an_archive_comes_from_its_official_place(sources, web, tmp_path):
    web.files["pets.zip"] = pack(tmp_path / "x/pets.zip", PICTURES | STRAY).read_bytes()
    run("archive")
    assert files_in(RAW / "archive") == PICTURES
    assert not Path("data/scratch/download/archive").exists()


def test_a_mirror_on_the_web_may_pack_it_otherwise(sources, web, tmp_path, monkeypatch):
    monkeypatch.setenv("DATASET_MIRROR", f"{web.root}/mirror")
    packed = pack(tmp_path / "x/pets.tar.xz", PICTURES)
    web.files["mirror/pets/pets.tar.xz"] = packed.read_bytes()
    run("archive")
    assert files_in(RAW / "archive") == PICTURES


def test_members_may_be_listed_one_by_one(sources, mirror):
    sources("archive", members={name: digest(content) for name, content in PICTURES.items()})
    pack(mirror / "pets/pets.zip", PICTURES | STRAY)
    run("archive")
    assert files_in(RAW / "archive") == PICTURES


@pytest.mark.parametrize(
    "content", [PICTURES | {"set/cats/1.jpg": b"rat"}, PICTURES | {"x.jpg": b""}, STRAY]
)
def test_an_archive_with_other_members_makes_way_for_the_next(sources, web, mirror, content):
    pack(mirror / "pets/pets.tar.gz", content)
    web.files["pets.zip"] = pack(mirror / "other.zip", PICTURES).read_bytes()
    run("archive")
    assert files_in(RAW / "archive") == PICTURES


def test_a_bad_archive_never_replaces_good_members(sources, mirror):
    pack(mirror / "pets/pets.zip", PICTURES)
    run("archive")
    (RAW / "archive/stranger").touch()
    pack(mirror / "pets/pets.zip", PICTURES | {"set/cats/1.jpg": b"rat"})
    with pytest.raises(StageError, match=r"(?s)2 members '\*.jpg': expected SHA-256 of their list"):
        run("archive")
    assert files_in(RAW / "archive") == PICTURES | {"stranger": b""}
    assert leftovers() == []


def test_when_no_archive_is_good_every_name_that_a_mirror_may_use_is_told(sources, mirror):
    with pytest.raises(StageError, match=r"that holds pets/pets with one of the endings .tar.gz "):
        run("archive")


def test_an_archive_above_the_limit_is_refused(sources, mirror):
    pack(mirror / "pets/pets.zip", PICTURES | {"zeros": bytes(2 << 20)})
    with pytest.raises(StageError, match="it unpacks to more than max_unpacked_mib: 1"):
        run("archive")


# ---- one's own pictures ---------------------------------------------------------------

OWN = {"cats/a b.jpg": b"cat", "dogs/😺,'.png": b"dog", "dogs/Thumbs.db": b"junk"}


def lay(folder, files=OWN):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_an_own_folder_is_copied_as_it_is(sources):
    lay(Path("pictures"))
    Path("pictures/birds").mkdir()
    run("own")
    assert files_in(RAW / "own") == OWN
    assert (RAW / "own/birds").is_dir()


@pytest.mark.parametrize("name", ["own.zip", "own.tar.gz", "own.dat.xz"])
def test_an_own_archive_is_unpacked_as_it_is(sources, name):
    sources("own", watch=name)
    pack(Path(name), OWN)
    run("own")
    assert files_in(RAW / "own") == OWN


def test_own_pictures_may_lie_in_the_home_folder(sources, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    sources("own", watch="~/pictures")
    lay(tmp_path / "home/pictures")
    run("own")
    assert files_in(RAW / "own") == OWN


def test_a_link_to_a_file_in_the_same_folder_is_copied(sources):
    lay(Path("pictures"))
    Path("pictures/dogs/link.jpg").symlink_to("../cats/a b.jpg")
    run("own")
    assert files_in(RAW / "own") == OWN | {"dogs/link.jpg": b"cat"}
    assert not (RAW / "own/dogs/link.jpg").is_symlink()


def test_a_folder_that_is_itself_a_link_is_copied(sources):
    lay(Path("elsewhere"))
    Path("pictures").symlink_to("elsewhere")
    run("own")
    assert files_in(RAW / "own") == OWN


@pytest.mark.parametrize("target", ["/etc/passwd", "../../params.yaml", "..", "link", "nothing"])
def test_a_link_to_elsewhere_is_refused(sources, target):
    lay(Path("pictures"))
    Path("pictures/cats/link").symlink_to(target)
    with pytest.raises(
        StageError, match=r"cannot use the pictures in 'pictures': .*link' is a link, but not to a"
    ):
        run("own")
    assert not (RAW / "own").exists()
    assert leftovers() == []


def test_what_is_no_file_in_an_own_folder_is_refused(sources):
    lay(Path("pictures"))
    os.mkfifo("pictures/cats/pipe")
    with pytest.raises(StageError, match="pipe' is neither a file nor a folder"):
        run("own")


@pytest.mark.parametrize("make", [lambda path: None, os.mkfifo])
def test_a_missing_folder_is_one_clear_line(sources, make):
    make("pictures")
    with pytest.raises(StageError, match=r"^no 'pictures': expected a folder, zip or tar .*watch"):
        run("own")


def test_an_own_file_that_is_no_archive_is_refused(sources):
    Path("pictures").write_bytes(b"a single picture")
    with pytest.raises(
        StageError, match="cannot use the pictures in 'pictures': it is broken, or neither zip nor"
    ):
        run("own")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["cats", "cats/a b.jpg"])
def test_an_own_file_that_may_not_be_read_is_told(sources, name):
    lay(Path("pictures"))
    Path("pictures", name).chmod(0)
    with pytest.raises(
        StageError, match=r"cannot fill the folder '.*own': Permission denied: '.*'"
    ):
        run("own")


@pytest.mark.parametrize("kind", ["own", "files", "archive"])
def test_a_full_disk_is_told(sources, mirror, small_files_only, kind):
    lay(Path("pictures"), {"cats/1.jpg": bytes(9000)})
    put(mirror / "numbers", images=IMAGES)
    pack(mirror / "pets/pets.zip", {"set/cats/1.jpg": IMAGES})
    with small_files_only, pytest.raises(StageError, match=r"cannot .* File too large: '.*'\.$"):
        run(kind)
    assert leftovers() == []


# ---- as a command ---------------------------------------------------------------------


def test_an_unknown_dataset_is_one_line(cli):
    done = cli("download", "mnits")
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown dataset 'mnits'")


def test_help_comes_at_once(cli):
    code = "import sys, tasks.download; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "tasks.download" in loaded
    assert not loaded & {"numpy", "pandas", "requests", "sklearn", "PIL", "tensorflow"}
    assert "params.yaml" in cli("download", "--help").stdout


def test_an_interrupt_leaves_only_what_can_be_continued(sources, web):
    web.files |= {"one/images.gz": IMAGES * 2000, "one/labels.gz": LABELS}
    sources("files", files={"images.gz": digest(IMAGES * 2000), "labels.gz": digest(LABELS)})
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.download", "files"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    scratch = Path("data/scratch/download/files")
    while not any(path.stat().st_size for path in scratch.glob("*.part")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said.splitlines()[-1][:12]) == (130, "interrupted:")
    assert leftovers() == []
    run("files")
    assert (RAW / "files/images.gz").stat().st_size == len(IMAGES) * 2000
    assert web.ranges_asked()[1].startswith("bytes=")


# ---- the real ones --------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(
    ("dataset", "n", "mib"), [("mnist", 4, 11), ("cats_vs_dogs", 3000, 65), ("cifar10", 7, 175)]
)
def test_the_real_data_sets_come_from_the_mirror(
    workspace, dataset_mirror, monkeypatch, dataset, n, mib
):
    monkeypatch.setenv("DATASET_MIRROR", str(dataset_mirror))
    run(dataset)
    found = files_in(RAW / dataset)
    assert len(found) == n
    assert sum(map(len, found.values())) >> 20 == mib
