"""Files of a commit whose remote is not there, refuses, or lacks what it needs."""

import importlib.util
import shutil
import socket
import subprocess

import pytest

from tasks.review.stored import UnreadableError, files_of, read_text, recorded_digest
from tests.conftest import Project

OUTPUT = "out/raw-a"
ASKED = rf"^DVC's remote 'store' cannot be asked for '{OUTPUT}': "


@pytest.fixture(scope="module")
def stored(pristine_project, tmp_path_factory):
    """Commit an output once that neither the folder nor DVC's cache has any more."""
    place = tmp_path_factory.mktemp("stored")
    project = Project(shutil.copytree(pristine_project.root, place / "a project", symlinks=True))
    assert project.dvc("repro", "--quiet", "fetch@a").returncode == 0
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    for command in (("add", "--all"), ("commit", "--quiet", "--message", "Results")):
        subprocess.run(["git", *identity, *command], cwd=project.root, check=True)
    shutil.move(project.root / ".dvc" / "cache", place / "pushed")  # as a remote has it
    (project.root / OUTPUT).unlink()
    return place


@pytest.fixture
def forgotten(stored, tmp_path, monkeypatch):
    """Enter a copy of the project that forgot its output."""
    root = shutil.copytree(stored / "a project", tmp_path / "a project", symlinks=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def remote(forgotten):
    """Return a function that names DVC's default remote."""

    def name(address):
        with (forgotten / ".dvc" / "config").open("a") as config:
            config.write(f"    remote = store\n['remote \"store\"']\n    url = {address}\n")

    return name


@pytest.mark.parametrize("commit", [None, "HEAD"])
def test_without_a_remote_a_file_is_just_not_there(forgotten, commit):
    files = files_of(commit)
    assert recorded_digest(files, OUTPUT)
    with pytest.raises(FileNotFoundError):
        read_text(files, OUTPUT)
    assert recorded_digest(files, "out/nonsense") is None


def test_a_remote_gives_what_it_has(remote, stored):
    remote(stored / "pushed")
    assert read_text(files_of("HEAD"), OUTPUT) == "some pixels\n"


def test_what_a_remote_does_not_have_is_just_not_there(remote, web):
    remote(f"{web.root}/store")
    with pytest.raises(FileNotFoundError):
        read_text(files_of("HEAD"), OUTPUT)
    assert any("files/md5" in path for path, _ in web.asked)


def test_a_remote_folder_that_is_gone_is_an_error(remote, tmp_path):
    remote(tmp_path / "unplugged")
    with pytest.raises(UnreadableError, match=rf"{ASKED}.*there is no folder '.*unplugged'"):
        read_text(files_of("HEAD"), OUTPUT)


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_refuses_is_an_error_with_its_own_words(remote, web, status):
    web.status = status
    remote(f"{web.root}/store")
    with pytest.raises(UnreadableError, match=rf"{ASKED}ClientResponseError: {status}") as caught:
        read_text(files_of("HEAD"), OUTPUT)
    assert str(caught.value).endswith("name another with dvc remote default NAME.")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_down_is_an_error(remote):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        remote(f"http://127.0.0.1:{taken.getsockname()[1]}/store")
        with pytest.raises(UnreadableError, match=rf"{ASKED}ClientConnectorError: Cannot connect"):
            read_text(files_of("HEAD"), OUTPUT)


def test_a_remote_whose_plugin_is_not_installed_is_an_error(remote):
    plugins = {"s3": "dvc_s3", "ssh": "dvc_ssh", "gs": "dvc_gs"}
    lacking = [kind for kind, name in plugins.items() if importlib.util.find_spec(name) is None]
    if not lacking:
        pytest.skip("all plugins of DVC are installed here")
    remote(f"{lacking[0]}://somewhere/store")
    expected = rf"{ASKED}ImportError: {lacking[0]} is supported, but requires 'dvc-{lacking[0]}'"
    with pytest.raises(UnreadableError, match=expected):
        recorded_digest(files_of("HEAD"), OUTPUT)


def test_a_default_remote_without_an_entry_is_an_error(forgotten):
    with (forgotten / ".dvc" / "config").open("a") as config:
        config.write("    remote = nowhere\n")
    with pytest.raises(UnreadableError, match=r"DVC cannot open this repository: KeyError: 'nowh"):
        files_of("HEAD")


def test_a_lock_in_which_two_branches_met_is_an_error(forgotten):
    with (forgotten / "dvc.lock").open("a") as lock:
        lock.write("<<<<<<< HEAD\n")
    expected = rf"^DVC cannot read '{OUTPUT}': .*corrupted\. Expected a repository in which dvc st"
    with pytest.raises(UnreadableError, match=expected):
        recorded_digest(files_of(None), OUTPUT)


def test_bytes_that_are_no_text_are_still_read(forgotten):
    (forgotten / "photos").write_bytes(b"\xff\xfe\n")
    assert read_text(files_of(None), "photos") == "\ufffd\ufffd\n"
