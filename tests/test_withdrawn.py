"""Versions that GTO withdrew: never in use, never returned to, and their numbers are spent."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gto import api

from tasks import promote
from tasks.registry.committed import listed_as_artifact
from tasks.registry.versions import assign, read_history, register
from tasks.stage import StageError


def git(*command):
    asked = subprocess.run(["git", *command], check=True, capture_output=True, text=True)
    return asked.stdout.strip()


@pytest.fixture
def commit(workspace):
    """Return a function that commits some model, by its digest; None commits none."""
    git("init", "--quiet")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    entry = {"path": "data/models/digits_knn", "type": "model"}
    Path("dvc.yaml").write_text(yaml.safe_dump({"artifacts": {"digits_knn": entry}}))
    workspace.write_params()

    def make(digest):
        pointer = Path("data/models/digits_knn.dvc")
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.unlink(missing_ok=True)
        if digest:
            out = {"md5": f"{digest * 32}.dir", "hash": "md5", "path": "digits_knn"}
            pointer.write_text(yaml.safe_dump({"outs": [out]}))
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", f"model {digest}")

    return make


@pytest.fixture
def three(commit):
    """Put three versions into production, one after the other."""
    for digest in "abc":
        commit(digest)
        version = register("digits_knn", "HEAD", "by hand")
        assign("digits_knn", version, "production", "by hand")


def withdraw(version):
    api.deregister(".", "digits_knn", version=version)


def held():
    return read_history("digits_knn").held("production")


def test_a_version_that_was_withdrawn_is_not_in_use_and_its_number_is_spent(three, commit):
    withdraw("v3.0.0")
    assert held() == ["v1.0.0", "v2.0.0"]
    history = read_history("digits_knn")
    assert list(history.versions) == ["v1.0.0", "v2.0.0"]
    assert list(history.withdrawn) == ["v3.0.0"]
    assert history.versions[history.holder("production")]
    assert api.find_versions_in_stage(".", "digits_knn", "production")[0].version == "v2.0.0"
    commit("d")
    assert register("digits_knn", "HEAD", "by hand") == "v4.0.0"
    assign("digits_knn", "v4.0.0", "production", "by hand")
    assert held() == ["v1.0.0", "v2.0.0", "v4.0.0"]


def test_a_rollback_passes_by_what_was_withdrawn(three):
    withdraw("v2.0.0")
    said = promote.roll_back("digits_knn", "production", "by hand")
    assert said.startswith("digits_knn v3.0.0 left production, v1.0.0 is back (git tag ")
    assert held() == ["v1.0.0"]


def test_a_rollback_moves_the_tag_off_a_version_that_was_withdrawn(three):
    withdraw("v3.0.0")
    said = promote.roll_back("digits_knn", "production", "by hand")
    assert said.startswith("digits_knn v3.0.0 left production, v2.0.0 is back (git tag ")
    assert git("rev-parse", "digits_knn#production#4^{}") == git("rev-parse", "HEAD~1")
    withdraw("v1.0.0")
    with pytest.raises(StageError, match="'digits_knn' has nothing to go back to: expected at le"):
        promote.roll_back("digits_knn", "production", "by hand")


def test_a_version_that_was_withdrawn_goes_nowhere_until_that_is_taken_back(three):
    withdraw("v3.0.0")
    with pytest.raises(StageError, match=r"'digits_knn' v3.0.0 was withdrawn: expected a version"):
        assign("digits_knn", "v3.0.0", "staging", "by hand")
    assert read_history("digits_knn").holder("staging") is None
    git("tag", "--delete", "digits_knn@v3.0.0!")
    assert held() == ["v1.0.0", "v2.0.0", "v3.0.0"]


def told(monkeypatch, capsys):
    """Run the command on the commit that is checked out."""
    monkeypatch.setattr(sys, "argv", ["promote", "digits_knn"])
    status = promote.main()
    return status, capsys.readouterr().out


def test_a_model_that_was_withdrawn_is_not_promoted_by_another_commit(
    three, commit, monkeypatch, capsys
):
    assert told(monkeypatch, capsys) == (0, "digits_knn v3.0.0 is in production already.\n")
    withdraw("v3.0.0")
    commit("c")
    before = git("tag")
    assert told(monkeypatch, capsys) == (
        3,
        "digits_knn was not promoted: its model is v3.0.0, which was withdrawn. Train another, or "
        "take that back: git tag --delete 'digits_knn@v3.0.0!'\n",
    )
    assert git("tag") == before


def test_where_there_is_no_model_there_is_no_version_of_it(commit):
    commit(None)
    register("digits_knn", "HEAD", "by hand")
    commit("a")
    register("digits_knn", "HEAD", "by hand")
    versions = read_history("digits_knn").versions
    assert promote.version_here("digits_knn", versions) == "v2.0.0"
    commit(None)
    assert promote.version_here("digits_knn", versions) is None


@pytest.mark.parametrize(
    "text",
    [None, "", "artifacts:\n", "artifacts: []\n", "artifacts: {digits_knn: }\n", "- pets\n"],
)
def test_a_dvc_yaml_without_artifacts_lists_no_model(text, workspace):
    if text is not None:
        Path("dvc.yaml").write_text(text)
    with pytest.raises(StageError, match="'digits_knn' is no artifact: expected under artifacts:"):
        listed_as_artifact("digits_knn")
