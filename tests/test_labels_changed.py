"""Labels that were put right between two models, as `dvc.lock` has them."""

import hashlib
from pathlib import Path

import pytest
import yaml

from tasks.labels.corrections import Correction, write_corrections
from tasks.review.labels import describe_labels
from tasks.review.scored import Scored, compare
from tasks.review.sides import commit_side, working_tree
from tests.test_compare import csv, git

NONE, PETS = Path("data/labels/none.csv"), Path("data/labels/pets.csv")


def correct(path, **labels):
    """Write corrections of pictures, all cats before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_corrections(path, [Correction(id, "d", "cat", now) for id, now in labels.items()])


def prepared(path, tag=None):
    """Write the lock that `prepare` and `train` leave with a table of corrections; commit it."""
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    stage = {
        "cmd": "true",
        "deps": [{"path": str(path), "md5": digest}],
        "params": {"params.yaml": {"datasets.pets.labels": str(path)}},
    }
    train = {"cmd": "true", "deps": [{"path": "data/prepared/pets", "md5": digest}]}
    lock = {"schema": "2.0", "stages": {"prepare@pets": stage, "train@net": train}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    if tag:
        git("add", "--all")
        git("commit", "--quiet", "--message", tag)
        git("tag", tag)


@pytest.fixture
def spoiled(project):
    """Enter a repository in which `spoiled` has wrong labels, and `nobody` has touched any."""
    Path("dvc.yaml").write_text("stages: {}\n")
    Path("params.yaml").write_text("experiments: {net: {dataset: pets}}\n")
    correct(NONE)
    prepared(NONE, "nobody")
    correct(PETS, a="dog", b="owl", c="owl")
    prepared(PETS, "spoiled")


def told(before, after=None):
    sides = commit_side(before), commit_side(after) if after else working_tree()
    return describe_labels(*sides, "pets")


def test_corrections_are_counted_from_commit_to_commit_and_to_the_working_tree(spoiled):
    expected = "the trainings differ in 3 labels of pets (data/labels/none.csv → {})"
    assert told("nobody", "spoiled") == [expected.format(PETS)]
    assert told("nobody") == [expected.format(PETS)]
    correct(PETS, b="owl", c="hen", d="dog")  # a right again, c decided anew, d new
    prepared(PETS)
    assert told("spoiled") == [f"the trainings differ in 3 labels of pets ({PETS})"]


def test_the_comparison_says_so_of_what_was_trained_anew(spoiled):
    Path("data/predictions").mkdir()
    for wrong, labels in ((range(3), {"a": "dog"}), (range(4), {"a": "dog", "b": "owl"})):
        Path("data/predictions/net.csv").write_text(csv(wrong))
        correct(PETS, **labels)
        prepared(PETS, f"wrong-{len(wrong)}")
    before, after = (Scored(commit_side(f"wrong-{n}"), "net") for n in (3, 4))
    expected = f"the trainings differ in 1 label of pets ({PETS})"
    assert compare("net", before, after)[1] == (expected,)
    assert compare("net", after, Scored(working_tree(), "net"))[1] == ()
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    correct(PETS)
    prepared(PETS)  # and not yet trained from these labels
    lock["stages"]["prepare@pets"] = working_tree().lock["prepare@pets"]
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    assert told("wrong-4") == [f"the trainings differ in 2 labels of pets ({PETS})"]
    assert compare("net", after, Scored(working_tree(), "net"))[1] == ()


def test_the_same_labels_leave_nothing_to_say_whatever_the_file(spoiled):
    assert told("spoiled", "spoiled") == told("spoiled") == []
    other = PETS.with_name("other.csv")
    other.write_bytes(PETS.read_bytes())
    prepared(other)
    assert told("spoiled") == []


def test_a_table_that_was_edited_since_is_not_counted(spoiled):
    correct(PETS, e="dog")
    prepared(PETS)
    correct(PETS, f="dog")
    assert told("spoiled") == [f"the trainings differ in labels of pets ({PETS})"]
    PETS.unlink()
    assert told("spoiled") == [f"the trainings differ in labels of pets ({PETS})"]


@pytest.mark.parametrize("lock", ["", "stages: 3", "stages: {prepare@pets: {cmd: x}}", "a: ["])
def test_a_lock_that_says_nothing_of_labels_is_believed(spoiled, lock):
    assert told("nobody")
    Path("dvc.lock").write_text(lock)
    assert told("nobody") == []
