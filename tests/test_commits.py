import datetime
import os
import re
import subprocess
from pathlib import Path

import pytest

from flows.commits import check_can_commit, commit, differing, last_results
from tasks.stage import StageError

DAY = datetime.date(2026, 11, 21)


def git(*arguments):
    asked = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return asked.stdout.strip()


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Enter a git repository with one commit; return what runs write in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    for path, text in {"code.py": "one", "dvc.lock": "old", "metrics/it's b.json": "{}"}.items():
        write(path, text)
    git("add", ".")
    git("commit", "--quiet", "--message", "Begin")
    return {tmp_path / name for name in ("dvc.lock", "metrics", "report.md")}


def write(path, text):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(f"{text}\n", "utf-8")


def test_results_are_committed_on_a_new_branch_and_nothing_else_is(results):
    began = git("rev-parse", "HEAD")
    write("dvc.lock", "new")
    write("metrics/it's b.json", "[]")
    write("metrics/ä new.json", "{}")
    write("code.py", "edited meanwhile")
    git("add", "code.py")
    branch = commit(differing(results), "Retrain b\n\n| a | table |", DAY)
    assert branch == git("branch", "--show-current") == "retrain/2026-11-21"
    assert git("rev-parse", "main") == git("rev-parse", "HEAD~1") == began
    assert git("log", "-1", "--format=%an|%B") == "Ada|Retrain b\n\n| a | table |"
    named = git("-c", "core.quotepath=off", "show", "--format=", "--name-only").splitlines()
    assert named == ["dvc.lock", "metrics/it's b.json", "metrics/ä new.json"]
    assert git("status", "--porcelain") == "M  code.py"


def test_the_second_branch_of_a_day_has_a_number_and_begins_at_the_first(results):
    branches = []
    for text in ("new", "newer", "newest"):
        write("dvc.lock", text)
        branches.append(commit(differing(results), text, DAY))
    assert branches == ["retrain/2026-11-21", "retrain/2026-11-21-2", "retrain/2026-11-21-3"]
    assert git("log", "--format=%s") == "newest\nnewer\nnew\nBegin"


def test_results_that_went_are_committed_as_gone(results):
    Path("metrics/it's b.json").unlink()
    commit(differing(results), "Less", DAY)
    assert git("show", "--format=", "--name-status").startswith("D\t")


def test_what_no_run_wrote_is_no_result(results):
    write("code.py", "edited meanwhile")
    assert differing(results) == []


@pytest.mark.parametrize("start", ["main", "a detached commit"])
def test_a_commit_that_git_refuses_leaves_no_branch(results, start):
    if start != "main":
        git("checkout", "--quiet", "--detach")
    write("dvc.lock", "new")
    git("config", "user.useConfigOnly", "true")
    git("config", "--unset", "user.email")
    with pytest.raises(StageError, match=r"`git commit` failed: .*tell me who you are") as caught:
        commit(differing(results), "Refused", DAY)
    assert "\n" not in str(caught.value)
    assert git("branch", "--show-current") == ("main" if start == "main" else "")
    assert "retrain" not in git("branch", "--all")
    assert Path("dvc.lock").read_text() == "new\n"


def test_a_clean_tree_and_one_with_results_of_an_earlier_run_can_be_committed(results):
    check_can_commit(results)
    write("dvc.lock", "new")
    write("report.md", "new")
    check_can_commit(results)


def test_a_tree_with_other_changes_is_refused_with_their_names(results):
    for name in ("a.txt", "b.txt", "c.txt"):
        write(name, "new")
    write("code.py", "two")
    expected = re.escape(
        "cannot commit: the git tree is not clean: code.py, a.txt, b.txt and 1 more. "
        "Commit, stash or remove what no run wrote, then start again."
    )
    with pytest.raises(StageError, match=expected):
        check_can_commit(results)


def test_changes_are_seen_from_a_folder_below_the_root(results, monkeypatch):
    write("code.py", "two")
    monkeypatch.chdir("metrics")
    with pytest.raises(StageError, match=rf"not clean: \.\.{os.sep}code\.py\."):
        check_can_commit(results)


def test_an_author_whom_git_does_not_know_is_refused_at_the_start(results):
    git("config", "user.useConfigOnly", "true")
    git("config", "--unset", "user.email")
    with pytest.raises(StageError, match=r"git does not know who you are\. Tell it: git config"):
        check_can_commit(results)


def test_a_folder_without_a_commit_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with pytest.raises(StageError, match="expected a git repository with at least one commit"):
            check_can_commit(set())
        assert last_results() == "the last run, which is not committed"
        git("init", "--quiet")


def test_the_last_results_are_those_of_the_commit_that_wrote_the_lock(results):
    began = git("rev-parse", "--short", "HEAD")
    write("code.py", "two")
    git("commit", "--quiet", "--all", "--message", "Change code only")
    assert last_results() == began
    write("dvc.lock", "new")
    assert last_results() == "the last run, which is not committed"
    git("rm", "--quiet", "--force", "dvc.lock")
    git("commit", "--quiet", "--message", "Forget")
    git("checkout", "--quiet", "--orphan", "bare")
    git("commit", "--quiet", "--allow-empty", "--message", "Anew")
    assert last_results() == "the last run"
