"""Real merges of real branches that DVC retrained."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from flows.merge_driver import SETTINGS, install, installed

from .conftest import ROOT, Project


class Repository(Project):
    """A project under git, with the driver."""

    def git(self, *arguments, check=True):
        """Run git; the driver's `python -m flows...` finds this checkout."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A state")

    def retrain(self, branch, slow, quick):
        """Make a branch from the start with other rates, and retrain there."""
        self.git("checkout", "--quiet", "-b", branch, "start")
        self.write_recipes(slow={"sleep": 0, "rate": slow}, quick={"rate": quick})
        assert self.dvc("repro").returncode == 0
        self.commit()

    def switch(self, branch):
        """Check out a branch with all that DVC made on it."""
        self.git("checkout", "--quiet", branch)
        assert self.dvc("checkout").returncode == 0

    def stale(self):
        """Return what DVC finds out of date."""
        return re.findall(r"(?m)^(\S+):$", self.dvc("status").stdout)

    def read(self, name):
        return (self.root / name).read_text("utf-8")


IDENTITY = {
    f"GIT_{who}_{what}": f"somebody@{who}.example".lower()
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


RATES = {"slow-7": (7, 2), "slow-8": (8, 2), "quick-8": (1, 8), "both": (7, 8)}


@pytest.fixture(scope="module")
def start(pristine_project, tmp_path_factory):
    """Run everything once, and then other settings on branches."""
    root = tmp_path_factory.mktemp("start") / "a project"
    repository = Repository(shutil.copytree(pristine_project.root, root, symlinks=True))
    repository.write_recipes(slow={"sleep": 0})
    attributes = (ROOT / ".gitattributes").read_text("utf-8").replace("data/**", "out/**")
    (root / ".gitattributes").write_text(attributes, "utf-8")
    (root / ".gitignore").write_text("/photos\n/report\n/.venv\n", "utf-8")
    assert repository.dvc("repro").returncode == 0
    repository.commit()
    repository.git("tag", "start")
    for branch, (slow, quick) in RATES.items():
        repository.retrain(branch, slow, quick)
    return repository


@pytest.fixture
def repository(start, tmp_path, monkeypatch):
    """Enter a fresh copy, with the driver installed."""
    root = shutil.copytree(start.root, tmp_path / "a project", symlinks=True)
    (root / ".venv").symlink_to(sys.prefix)
    monkeypatch.chdir(root)
    install()
    return Repository(root)


def test_branches_that_retrained_different_experiments_merge_without_hand_work(repository):
    repository.switch("quick-8")
    merged = repository.git("merge", "slow-7")
    assert "dvc.lock: neither side's gather fits the merge. Run `dvc repro`." in merged.stderr
    assert repository.git("status", "--porcelain").stdout == ""
    assert repository.dvc("checkout").returncode == 0
    assert repository.stale() == ["gather"]
    repository.dvc("repro")
    assert repository.read("report") == "fitted 8\nfitted 7\n"
    assert repository.git("diff", "both", "--", "dvc.lock").stdout == ""  # as DVC alone writes it


def test_one_experiment_retrained_on_both_branches_is_a_conflict_that_is_told(repository):
    repository.switch("slow-8")
    merged = repository.git("merge", "slow-7", check=False)
    assert merged.returncode == 1
    assert "both sides ran fit@slow, score@slow, gather, with different results" in merged.stderr
    conflicts = repository.git("diff", "--name-only", "--diff-filter=U").stdout.split()
    assert conflicts == ["dvc.lock", "metrics/slow.json", "params.yaml"]
    assert repository.read("dvc.lock").count("<<<<<<< ours\n") == 3
    assert repository.dvc("status").returncode != 0  # nobody can overlook it


def test_after_a_conflict_one_side_taken_everywhere_needs_no_training(repository):
    repository.switch("slow-8")
    repository.git("merge", "slow-7", check=False)
    repository.git("checkout", "--theirs", "--", "metrics/slow.json", "params.yaml")
    lock = repository.root / "dvc.lock"
    kept, markers = [], ("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")
    side = "theirs"
    for line in lock.read_text("utf-8").splitlines(keepends=True):
        if line.startswith(markers):
            side = "theirs" if line.startswith(markers[2:]) else "ours or base"
        elif side == "theirs":
            kept.append(line)
    lock.write_text("".join(kept), "utf-8")
    repository.commit()
    assert repository.dvc("checkout").returncode == 0
    assert repository.stale() == []


@pytest.mark.slow
def test_experiments_that_both_branches_added_merge_with_their_ignored_outputs(repository):
    head, slow, rest = repository.read("params.yaml").partition("  slow:\n")
    new = "  {}: {{set: a, rate: 5, sleep: 0, exit: 0}}\n"
    added = {
        "one": head + new.format("one") + slow + rest,
        "other": head + slow + rest + new.format("other"),
    }
    for name, params in added.items():
        repository.git("checkout", "--quiet", "-b", name, "start")
        (repository.root / "params.yaml").write_text(params, "utf-8")
        assert repository.dvc("repro").returncode == 0
        repository.commit()
    repository.git("merge", "one")
    ignored = repository.read("out/.gitignore")
    assert ignored.endswith("/model-other\n/model-one\n")
    assert repository.stale() == ["gather"]


@pytest.mark.slow
def test_a_rebase_merges_as_well(repository):
    repository.switch("quick-8")
    repository.git("rebase", "slow-7")
    repository.dvc("checkout")
    assert repository.stale() == ["gather"]


@pytest.mark.parametrize("broken", ["no .venv", "no module", "another text"])
def test_where_the_driver_cannot_run_git_marks_the_lines_itself(repository, broken):
    repository.git("checkout", "--quiet", "-b", "one", "start")
    lock = repository.root / "dvc.lock"
    text = "no lock at all\n" if broken == "another text" else repository.read("dvc.lock")
    for branch in ("one", "other"):
        repository.git("checkout", "--quiet", "-B", branch, "start")
        lock.write_text(f"# {branch}\n{text}", "utf-8")
        repository.commit()
    if broken == "no .venv":
        (repository.root / ".venv").unlink()
    if broken == "no module":
        shutil.copytree(ROOT / "flows", repository.root / "flows")
        (repository.root / "flows" / "merge.py").write_text("this is no Python\n")
    merged = repository.git("merge", "one", check=False)
    assert merged.returncode == 1
    assert "CONFLICT (content): Merge conflict in dvc.lock" in merged.stdout
    assert lock.read_text("utf-8").startswith("<<<<<<< ours\n# other\n")


def test_a_checkout_without_the_driver_has_gits_own_merge(repository):
    repository.git("config", "--remove-section", "merge.dvc")
    repository.switch("quick-8")
    assert repository.git("merge", "slow-7", check=False).returncode == 1
    assert "<<<<<<< HEAD\n" in repository.read("dvc.lock")


def test_a_generated_text_takes_both_sides_or_stays_ours_but_never_conflicts(repository):
    report = repository.root / "data" / "report" / "report.md"
    report.parent.mkdir(parents=True)
    texts = {
        "base": "a 1\nb 1\nc 1\n",
        "far": "a 1\nb 1\nc 2\n",
        "near": "a 1\nb 2\nc 1\n",
        "ours": "a 2\nb 1\nc 1\n",
    }
    for branch, text in texts.items():
        repository.git("checkout", "--quiet", "-b", branch, *(["base"] if branch != "base" else []))
        report.write_text(text)
        repository.commit()
    assert "kept as ours until `dvc repro`" in repository.git("merge", "near").stderr
    assert report.read_text() == "a 2\nb 1\nc 1\n"
    repository.git("merge", "far")
    assert report.read_text() == "a 2\nb 1\nc 2\n"


def test_the_driver_is_installed_once_and_anew_when_it_changed(repository):
    assert installed()
    repository.git("config", "merge.dvc.driver", "an older one %A")
    assert not installed()
    install()
    assert installed()
    driver = repository.git("config", "--get-all", "merge.dvc.driver").stdout
    assert driver.rstrip("\n") == SETTINGS["merge.dvc.driver"]


def test_the_driver_is_no_longer_known_where_the_settings_lack_it(repository):
    repository.git("config", "--remove-section", "merge.dvc")
    assert not installed()


def test_make_setup_installs_the_driver(repository):
    repository.git("config", "--remove-section", "merge.dvc")
    for folder in (".ci", "flows", "tasks"):
        shutil.copytree(ROOT / folder, repository.root / folder)
    shutil.copy(ROOT / "requirements.txt", repository.root)
    (repository.root / ".dvc" / "tmp" / "plots.html").touch()
    (repository.root / ".venv").unlink()
    venv = repository.root / ".venv"
    venv.mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (venv / part).symlink_to(f"{sys.prefix}/{part}")
    digest = subprocess.run(["sha256sum", "requirements.txt"], capture_output=True, text=True)
    (venv / ".ready").write_text(digest.stdout.split()[0])
    done = subprocess.run([sys.executable, ".ci/setup.py"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert installed()
