"""Two commits of a real repository, compared through DVC."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tasks.compare import Scored, compare_commits, compare_experiments, main
from tasks.review.sides import commit_side, working_tree
from tasks.stage import StageError, errors_in_one_line
from tests.conftest import ROOT, Project

DVC_YAML = """
stages:
  evaluate:
    foreach: ${experiments}
    do:
      cmd: cp source/${key}.csv data/predictions/${key}.csv
      deps:
        - source/${key}.csv
      outs:
        - data/predictions/${key}.csv
"""
CLASSES = ("cat", "dog")


def git(*arguments, cwd="."):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    asked = subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return asked.stdout.strip()


def csv(wrong, n=200, classes=CLASSES, first=0):
    """Return predictions for n images, alternately of both classes, with some of them wrong."""
    lines = ["id,label,predicted," + ",".join(f"p:{name}" for name in classes)]
    for i in range(first, first + n):
        label, other = classes[i % 2], classes[1 - i % 2]
        said, p = (other, 0.2) if i in wrong else (label, 0.9)
        shares = ",".join(f"{p if name == label else 1 - p:.6f}" for name in classes)
        lines.append(f"test/{i:04},{label},{said},{shares}")
    return "\n".join(lines) + "\n"


def write(root, texts, datasets=None):
    """Write what evaluate will leave, and the experiments into params.yaml."""
    shutil.rmtree(root / "source", ignore_errors=True)
    (root / "source").mkdir()
    for name, text in texts.items():
        (root / "source" / f"{name}.csv").write_text(text, "utf-8")
    experiments = {name: {"dataset": (datasets or {}).get(name, "pets")} for name in texts}
    (root / "params.yaml").write_text(yaml.safe_dump({"experiments": experiments}, sort_keys=False))


def evaluate(project, message):
    done = project.dvc("repro", "--quiet")
    assert done.returncode == 0, done.stderr
    git("add", "--all", cwd=project.root)
    git("commit", "--quiet", "--message", message, cwd=project.root)


@pytest.fixture(scope="module")
def history(pristine_project, tmp_path_factory):
    """Make a repository once: the commits `begin`, `first` and `second`."""
    root = tmp_path_factory.mktemp("history") / "a project"
    project = Project(shutil.copytree(pristine_project.root, root, symlinks=True))
    for name in ("photos.dvc", "photos"):
        (root / name).unlink()
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "data" / "predictions").mkdir(parents=True)
    write(root, {"better": ""})
    git("add", "--all", cwd=root)
    git("commit", "--quiet", "--message", "Begin", cwd=root)
    git("tag", "begin", cwd=root)
    some = csv(wrong=range(10))
    names = ("better", "worse", "noise", "same", "gone")
    write(root, dict.fromkeys(names, some))
    evaluate(project, "First")
    git("tag", "first", cwd=root)
    second = {
        "better": csv(wrong=()),
        "worse": csv(wrong=range(0, 60, 2)),
        "noise": csv(wrong=range(2, 12)),
        "same": some,
        "fresh": some,
    }
    write(root, second)
    evaluate(project, "Second")
    git("tag", "second", cwd=root)
    return project


@pytest.fixture
def project(history, tmp_path, monkeypatch):
    """Enter a copy of the repository at its second commit."""
    root = shutil.copytree(history.root, tmp_path / "a project", symlinks=True)
    monkeypatch.chdir(root)
    return Project(root)


@pytest.fixture
def told(monkeypatch, capsys):
    """Return a function that runs the command here: its exit status, and what it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare", *arguments])
        with pytest.raises(SystemExit) as ended, errors_in_one_line():
            raise SystemExit(main())
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err

    return run


def between(before, after=None):
    """Return the differences of two commits by experiment."""
    found = compare_commits(commit_side(before), commit_side(after) if after else working_tree())
    return {difference.name: difference for difference in found}


def forget(project, *places):
    """Remove what DVC keeps of the predictions."""
    for place in places:
        shutil.rmtree(project.root / place)


# ---- two commits ----------------------------------------------------------------------


def test_every_experiment_gets_a_verdict(project):
    found = between("first", "second")
    assert {name: d.verdict for name, d in found.items()} == {
        "better": "better",
        "worse": "worse",
        "noise": "cannot tell",
        "same": "unchanged",
        "fresh": "new",
        "gone": "gone",
    }
    assert found["better"].figures.accuracies == (0.95, 1.0)
    assert found["worse"].figures.pairs == (165, 5, 25, 5)
    assert found["worse"].p == pytest.approx(3 * found["worse"].figures.p)
    assert [change.name for change in found["worse"].figures.classes] == ["cat"]


def test_swapped_commits_mirror_the_verdicts(project):
    there, back = between("first", "second"), between("second", "first")
    mirror = {"better": "worse", "worse": "better", "new": "gone", "gone": "new"}
    for name, difference in there.items():
        assert back[name].verdict == mirror.get(difference.verdict, difference.verdict)


def test_the_working_tree_is_compared_with_head(project, told):
    assert {d.verdict for d in between("HEAD").values()} == {"unchanged"}
    path = project.root / "data" / "predictions" / "same.csv"
    path.unlink()
    path.write_text(csv(wrong=range(60)))
    found = between("HEAD")
    assert [name for name, d in found.items() if d.verdict != "unchanged"] == ["same"]
    assert found["same"].verdict == "worse"
    page = json.loads(told("--json")[1])
    assert page["before"] == f"HEAD ({git('rev-parse', '--short', 'HEAD')})"
    assert page["after"] == "the working tree"
    verdicts = {e["name"]: e["verdict"] for e in page["experiments"]}
    assert verdicts == {name: d.verdict for name, d in found.items()}


def test_two_experiments_are_compared(project):
    [found] = compare_experiments(*(Scored(working_tree(), name) for name in ("worse", "better")))
    assert (found.name, found.verdict) == ("worse → better", "better")


def test_experiments_on_two_datasets_are_refused(project):
    write(project.root, {"a": "", "b": ""}, {"b": "digits"})
    with pytest.raises(StageError, match="'a' is on pets and 'b' on digits: expected two exper"):
        compare_experiments(*(Scored(working_tree(), name) for name in ("a", "b")))
    with pytest.raises(StageError, match=r"unknown experiment 'c': params\.yaml has a, b\."):
        compare_experiments(*(Scored(working_tree(), name) for name in ("a", "c")))


def test_the_exit_status_tells_a_verdict_from_an_error(project, told):
    assert told("first", "second", "--fail-if", "worse")[0] == 3
    assert told("second", "second", "--fail-if", "worse")[0] == 0
    assert told("first", "nonsense", "--fail-if", "worse")[0] == 1


def test_what_could_not_be_compared_has_not_passed(project, told):
    path = project.root / "data" / "predictions" / "better.csv"
    path.unlink()
    path.write_text(csv(wrong=(), classes=("owl", "hen")).replace("owl,owl", "hen,owl", 1))
    status, shown = told("--fail-if", "worse")
    assert status == 4
    assert shown.endswith(
        "1 of 5 experiments could not be compared: nobody knows whether better got be"
        "tter or worse.\n"
    )
    assert told()[0] == 0
    assert told("--fail-if", "worse", "--fail-if", "cannot compare")[0] == 3
    assert told("first", "--fail-if", "worse")[0] == 3  # this much is known
    forget(project, ".dvc/cache", "data/predictions")
    assert told("first", "second", "--fail-if", "worse")[0] == 4
    status, shown = told("second", "second", "--fail-if", "worse")
    assert (status, shown.count("unchanged")) == (0, 5)  # digests are enough


def test_the_help_says_what_each_status_means(told):
    told_help = told("--help")[1]
    for status in (0, 1, 3, 4):
        assert re.search(rf"^    {status}  \w", told_help, re.M)


def test_the_terminal_shows_verdicts_tests_and_pictures(project, told):
    _, shown = told("first", "second", "--flips", "3")
    assert re.search(
        r"^worse +95\.00 +85\.00 +-10\.00 +-1\d\.\d\d to -\d\.\d\d +worse *$", shown, re.M
    )
    assert "Of 200 test images, 5 became right and 25 wrong: p = 0.00032 by exact McNemar" in shown
    assert "cat: 95.0 % → 70.0 % of 100" in shown
    assert shown.count("test/") == 9


# ---- what is not the same, or not there -----------------------------------------------


def test_another_test_set_is_told_and_the_common_part_compared(project):
    path = project.root / "data" / "predictions" / "same.csv"
    path.unlink()
    path.write_text(csv(wrong=range(10), n=195, first=5))
    found = between("HEAD")["same"]
    assert found.notes == (
        "the test sets differ, 5 images before only: compared on the 195 in common",
    )
    assert (found.verdict, found.figures.pairs.n) == ("unchanged", 195)


def test_an_experiment_on_another_dataset_is_not_compared(project):
    write(project.root, {"better": "", "same": ""}, {"same": "digits"})
    found = between("HEAD")
    assert found["same"].verdict == "cannot compare"
    assert found["same"].notes == ("the dataset was pets and is digits",)


def test_pictures_with_other_pixels_are_left_out(project):
    table = project.root / "data" / "prepared" / "pets" / "samples.csv"
    table.parent.mkdir(parents=True)
    for digest in ("a", "b"):
        rows = [f"test/{i:04},{digest if i < 20 else 'c'}" for i in range(200)]
        table.write_text("\n".join(["id,digest", *rows, ""]))
        assert project.dvc("add", "--quiet", "data/prepared/pets").returncode == 0
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Pixels {digest}")
    found = between("HEAD~1", "HEAD")["same"]
    assert found.notes == (
        "the test sets differ, 20 images with other pixels: compared on the 180 in common",
    )
    forget(project, "data/prepared", ".dvc/cache")
    found = between("HEAD~1")["same"]
    assert found.notes[0] == "whether the pictures of pets are the same is not known here"


def write_pixels(project, digest, n=20):
    """Write the table of prepared pictures, the first n of them with some digest."""
    table = project.root / "data" / "prepared" / "pets" / "samples.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.unlink(missing_ok=True)
    rows = [f"test/{i:04},{digest if i < n else 'c'}" for i in range(200)]
    table.write_text("\n".join(["id,digest", *rows, ""]))


def test_pictures_of_the_working_tree_are_those_that_are_there(project):
    write_pixels(project, "a")
    assert project.dvc("add", "--quiet", "data/prepared/pets").returncode == 0
    git("add", "--all")
    git("commit", "--quiet", "--message", "Pixels")
    assert between("HEAD")["same"].notes == ()
    write_pixels(project, "by hand")
    assert project.dvc("status", "--quiet").returncode == 1
    told = "the test sets differ, 20 images with other pixels: compared on the 180 in common"
    assert between("HEAD")["same"].notes == (told,)
    (project.root / "data" / "prepared" / "pets" / "samples.csv").write_text("nonsense")
    unknown = "whether the pictures of pets are the same is not known here"
    assert between("HEAD")["same"].notes == (unknown,)


def test_fewer_pictures_than_none_are_refused(project, told):
    for form in ("--json", "--markdown"):
        status, shown = told("first", "second", "--flips", "-1", form)
        assert status == 2
        assert "argument --flips: expected a whole number of at least 0, got '-1'" in shown
    assert "test/" not in told("first", "second", "--flips", "0", "--markdown")[1]


def test_predictions_are_read_from_a_remote_and_missed_in_one_line(project, tmp_path, told):
    project.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    assert project.dvc("push", "--quiet", "--all-commits").returncode == 0
    forget(project, ".dvc/cache", "data/predictions")
    assert between("first")["worse"].verdict == "worse"
    forget(project, "../store/files")
    found = between("first", "second")
    assert (found["same"].verdict, found["same"].figures) == ("unchanged", None)
    assert found["worse"].verdict == "missing"
    [line] = found["worse"].notes
    assert re.fullmatch(
        r"the predictions of worse of first \([0-9a-f]+\) are neither in DVC's cache nor in its "
        r"remote 'store': run dvc push --all-commits where they were made\.",
        line,
    )
    assert "'store': run dvc push where they were" in told("--between", "same", "better")[1]


def test_a_remote_that_is_gone_is_one_line_unless_nothing_is_needed_of_it(project, told, tmp_path):
    project.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    forget(project, ".dvc/cache", "data/predictions")
    status, line = told("first", "second")
    assert (status, line.count("\n")) == (1, 1)
    assert line.startswith("error: DVC's remote 'store' cannot be asked for 'data/predictions/")
    assert told("second", "second")[0] == 0


def test_a_commit_without_predictions_is_refused(project, told):
    status, line = told("begin")
    assert status == 1
    begin = git("rev-parse", "--short", "begin")
    assert line.startswith(f"error: begin ({begin}) has no predictions: expected those of at least")
    assert line.count("\n") == 1


def test_an_experiment_that_was_never_scored_says_so(project):
    write(project.root, {"better": "", "later": ""})
    [found] = [d for d in compare_commits(working_tree(), working_tree()) if d.name == "later"]
    assert found.verdict == "missing"
    with pytest.raises(StageError, match="has no predictions of later: run dvc repro evaluate@lat"):
        working_tree().predictions("later")


def test_unknown_revisions_and_folders_without_git_are_one_line_each(
    project, told, tmp_path, monkeypatch
):
    with pytest.raises(StageError, match="unknown revision 'nonsense': expected a commit, branch"):
        commit_side("nonsense")
    with pytest.raises(StageError, match="unknown revision '--all'"):
        commit_side("--all")
    git("clone", "--quiet", "--depth", "1", project.root.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(StageError, match=r"This clone is shallow: git fetch --unshallow\."):
        commit_side("first")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    status, line = told()
    assert status == 1
    assert line.startswith("error: no git repository here: expected one, to read 'HEAD' from.")
    with pytest.raises(StageError, match=r"the working tree has no experiment to compare: expect"):
        working_tree()


# ---- the pull request -----------------------------------------------------------------

GH = """#!/bin/sh
# Stands in for GitHub: comments are files beside it.
cd "$(dirname "$0")"
echo "$@" >> calls
case "$*" in
  *--paginate*) ls comments ;;
  *) for last in "$@"; do :; done; cp "${last#body=@}" "comments/7" ;;
esac
"""


@pytest.fixture
def pull_request(project, tmp_path):
    """Return a function that runs the script of the workflow, and the folder of the comments."""
    (project.root / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "compare", project.root / ".ci")
    comments = tmp_path / "github" / "comments"
    comments.mkdir(parents=True)
    (comments.parent / "gh").write_text(GH)
    (comments.parent / "gh").chmod(0o755)
    path = os.pathsep.join(
        [str(comments.parent), os.path.dirname(sys.executable), os.environ["PATH"]]
    )

    def run(*arguments):
        return subprocess.run(
            [project.root / ".ci" / "compare", *arguments],
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    return run, comments


def test_the_workflow_s_script_writes_one_comment_and_writes_it_anew(pull_request, project):
    run, comments = pull_request
    done = run("first", "second", "ada/assay", "12")
    assert done.returncode == 3, done.stderr
    page = (comments / "7").read_text("utf-8")
    assert page == done.stdout
    assert re.search(r"^\| worse \| 95\.00 \| 85\.00 \| -10\.00 \| .* \| worse \|$", page, re.M)
    assert "Unchanged: same." in page
    assert re.search(r"^\| params\.yaml +\| experiments\.fresh\.dataset +\| - +\| pets", page, re.M)
    assert run("second", "second", "ada/assay", "12").returncode == 0
    assert "Unchanged: better, worse, noise, same, fresh." in (comments / "7").read_text("utf-8")
    forget(project, ".dvc/cache", "data/predictions")
    assert run("first", "second", "ada/assay", "12").returncode == 4
    page = (comments / "7").read_text("utf-8")
    assert "> **3 of 4 experiments could not be compared: nobody knows whether better," in page
    assert "- noise: the predictions of noise of" in page
    assert "there is no remote to fetch them from: dvc remote add --default NAME FOLDER_OR" in page
    calls = (comments.parent / "calls").read_text().splitlines()
    assert "--method POST repos/ada/assay/issues/12/comments" in calls[1]
    assert "--method PATCH repos/ada/assay/issues/comments/7" in calls[3]


@pytest.mark.slow
def test_a_comment_with_many_parameters_is_still_taken(pull_request, project):
    run, comments = pull_request
    params = yaml.safe_load((project.root / "params.yaml").read_text())
    params["many"] = {f"parameter_{n}": n for n in range(3000)}
    (project.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    git("commit", "--quiet", "--all", "--message", "Many")
    assert run("second", "HEAD", "ada/assay", "12").returncode == 0
    page = (comments / "7").read_text("utf-8")
    assert len(page) < 65_536
    assert re.search(r"characters the first 4000\. dvc params diff \w+ HEAD shows all\.", page)
    assert page.rstrip().endswith("|")


@pytest.mark.slow
def test_the_script_compares_with_where_the_branch_began(pull_request):
    run, _ = pull_request
    git("checkout", "--quiet", "-b", "main-went-on", "begin")
    git("commit", "--quiet", "--allow-empty", "--message", "Something else")
    git("checkout", "--quiet", "second")
    done = run("main-went-on", "second")
    assert done.returncode == 1
    assert "> **Nothing was compared.**" in done.stdout
    assert re.search(r"^error: [0-9a-f]+ has no predictions", done.stdout, re.M)
    git("checkout", "--quiet", "--orphan", "stranger")
    git("commit", "--quiet", "--message", "Another beginning")
    assert (
        "error: 'stranger' and 'second' have no commit in comm" in run("stranger", "second").stderr
    )


def test_the_workflow_uses_the_script_and_nobody_else_s_code():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "compare.yml").read_text())
    steps = workflow["jobs"]["compare"]["steps"]
    used = {step["uses"].split("@")[0] for step in steps if "uses" in step}
    assert used == {"actions/checkout", "actions/setup-python"}
    commands = [step["run"].split()[0] for step in steps if "run" in step]
    assert commands == ["make", ".ci/compare"]
    assert os.access(ROOT / ".ci" / "compare", os.X_OK)
