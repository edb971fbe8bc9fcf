"""Compared by the real git and DVC."""

import json
import subprocess

import pytest

from flows.changes import Change, read_changes

DVC_YAML = """
stages:
  score:
    foreach: [cat, dog]
    do:
      cmd: "true"
      params:
        - rate
        - classes
      metrics:
        - data/metrics/${item}.json:
            cache: false
"""


def git(*arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def scores(project):
    """Return a function that writes the metrics of one experiment; no commit yet."""
    (project.root / "dvc.yaml").write_text(DVC_YAML)
    folder = project.root / "data" / "metrics"
    folder.mkdir(parents=True)

    def write(name, **metrics):
        (folder / f"{name}.json").write_text(json.dumps(metrics))

    return write


def write_params(text):
    with open("params.yaml", "w") as file:
        file.write(text)


def test_before_the_first_commit_there_is_nothing_to_compare_with(scores):
    scores("cat", accuracy=0.5)
    assert read_changes() is None


def test_outside_of_git_there_is_nothing_to_compare_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_changes() is None


def test_what_changed_is_told_with_both_values_and_the_commit(scores):
    write_params("rate: 1\nclasses: [a, b]\n")
    scores("cat", accuracy=0.5, n=100, recall={"a": 0.25})
    git("add", ".")
    git("commit", "-m", "all")
    changes = read_changes()
    assert (changes.params, changes.metrics) == ({}, {})
    assert changes.of_accuracy("cat") is None

    write_params("rate: 2\nclasses: [a, b]\n")
    scores("cat", accuracy=0.625, n=100, recall={"a": 0.5})
    scores("dog", accuracy=1)
    changes = read_changes()
    short = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True)
    assert changes.commit == short.strip()
    assert changes.params == {"params.yaml": {"rate": Change(1, 2)}}
    assert changes.metrics == {
        "data/metrics/cat.json": {"accuracy": (0.5, 0.625), "recall.a": (0.25, 0.5)},
        "data/metrics/dog.json": {"accuracy": (None, 1)},
    }
    assert list(changes.metrics["data/metrics/cat.json"]) == ["accuracy", "recall.a"]
    assert changes.of_accuracy("cat") == Change(0.5, 0.625)
    assert changes.of_accuracy("dog") == Change(None, 1)
