"""The ledger of looks at the test sets."""

import subprocess
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.images.samples import Rows
from tasks.measures.ledger import (
    Look,
    corrected_interval,
    digest_of_model,
    digest_of_test,
    models,
    models_beside,
    read_looks,
    record,
)
from tasks.measures.statistics import wilson_interval
from tasks.params import Looks
from tasks.stage import LEDGER, StageError

BUDGET = Looks(warn=3, most=4)


def rows(digests, labels):
    index = np.arange(len(digests))
    images = np.zeros((len(digests), 2, 2, 1), np.uint8)
    return Rows(images, index, np.array(labels), list(map(str, index)), digests, ["a", "b"])


TEST = rows(["d0", "d1", "d2"], [0, 1, 0])


def model(number):
    folder = Path(f"model{number}").resolve()
    folder.mkdir(exist_ok=True)
    (folder / "weights").write_text(f"weights {number}")
    return folder


def look(number, budget=BUDGET, test=TEST):
    record("pets", test, f"pets_{number}", model(number), budget)


def test_a_look_is_written_once_for_each_model(workspace):
    for number in (1, 0, 1, 0):
        look(number)
    assert [entry.experiment for entry in read_looks("pets")] == ["pets_0", "pets_1"]
    text = (LEDGER / "pets.csv").read_text()
    assert text.startswith("test,experiment,model,commit\n")
    look(0)
    assert (LEDGER / "pets.csv").read_text() == text


def test_the_commit_that_is_checked_out_is_written_down(workspace):
    look(0)
    assert read_looks("pets")[0].commit == ""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    look(1)
    assert head.startswith(read_looks("pets")[1].commit)


def test_a_budget_warns_and_then_refuses_new_models_but_no_old_one(workspace, capsys):
    for number in range(3):
        look(number)
    assert capsys.readouterr().out == ""
    look(3)
    assert capsys.readouterr().out == (
        "warning: this is look 4 at the test set of pets; 4 are allowed\n"
    )
    before = (LEDGER / "pets.csv").read_bytes()
    with pytest.raises(StageError, match="test set of 'pets' has been looked at by 4 models: exp"):
        look(4)
    look(2)
    assert (LEDGER / "pets.csv").read_bytes() == before


def test_another_test_set_begins_anew(workspace):
    for number in range(4):
        look(number)
    other = rows(["d0", "d1", "d3"], [0, 1, 0])
    look(4, test=other)
    assert len(models(read_looks("pets"), digest_of_test(TEST))) == 4
    assert len(models(read_looks("pets"), digest_of_test(other))) == 1


def test_models_are_counted_on_the_test_set_that_results_are_of():
    looks = [Look("old", f"e{i}", f"old{i}", "") for i in range(8)]
    looks += [Look("new", "e0", "new0", ""), Look("new", "e1", "new1", "")]
    looks += [Look("new", "e2", "old2", "")]  # trained again, to the same bytes
    assert models_beside(looks, [("e0", "new0"), ("e1", "new1"), ("e2", "old2")]) == [3]
    assert models_beside(looks, [("e0", "old0"), ("e2", "old2")]) == [8]
    assert models_beside(looks, [("e0", "new0"), ("e1", "not scored yet")]) == [3]


def test_test_sets_that_cannot_be_told_apart_are_all_counted():
    looks = [Look("old", "e0", "m0", ""), Look("old", "e1", "m1", ""), Look("new", "e0", "m2", "")]
    assert models_beside(looks, []) == [2, 1]
    assert models_beside(looks, [("e0", "m2"), ("e1", "m1")]) == [2, 1]
    assert models_beside([], [("e0", "m2")]) == []


@given(st.permutations(range(6)))
def test_a_test_set_is_known_by_its_pictures_in_any_order(places):
    digests, labels = [f"d{i}" for i in range(6)], [0, 1, 0, 1, 1, 0]
    shuffled = rows([digests[i] for i in places], [labels[i] for i in places])
    assert digest_of_test(shuffled) == digest_of_test(rows(digests, labels))
    assert digest_of_test(rows(digests, labels[::-1])) != digest_of_test(rows(digests, labels))


def test_a_model_is_known_by_the_names_and_bytes_of_its_files(workspace):
    first = digest_of_model(model(0))
    assert digest_of_model(model(1)) != first
    assert digest_of_model(model(0)) == first
    (model(0) / "weights").rename(model(0) / "other")
    assert digest_of_model(model(0)) != first


def look_from_a_process(number):
    look(number, Looks(warn=90, most=99))


def test_looks_at_the_same_time_are_all_written(workspace):
    with get_context("fork").Pool(4) as pool:
        pool.map(look_from_a_process, range(12))
    assert len(read_looks("pets")) == 12


def test_git_keeps_the_looks_of_both_branches(workspace, git_in):
    git_in("init", "-q", "-b", "main")
    (workspace.root / ".gitattributes").write_text("data/ledger/*.csv merge=union\n")
    look(0)
    git_in("add", "-A")
    git_in("commit", "-qm", "base")
    for branch, number in (("one", 1), ("two", 2)):
        git_in("checkout", "-q", "-b", branch, "main")
        look(number)
        git_in("commit", "-qam", branch)
    git_in("merge", "-q", "-m", "both", "one")
    assert [entry.experiment for entry in read_looks("pets")] == ["pets_0", "pets_1", "pets_2"]


@pytest.fixture
def git_in(workspace):
    def run(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *arguments], cwd=workspace.root, check=True)

    return run


def test_the_interval_for_one_look_is_wilson_s_and_widens_with_every_other():
    assert corrected_interval(0.9, 1000, 1) == pytest.approx(wilson_interval(900, 1000))
    widths = [high - low for low, high in (corrected_interval(0.9, 1000, m) for m in (1, 2, 9))]
    assert widths == sorted(widths)
    assert len(set(widths)) == 3


def test_a_corrected_interval_holds_for_the_best_of_many_models():
    rng = np.random.default_rng(0)
    best = rng.binomial(500, 0.8, (2000, 20)).max(axis=1) / 500
    held = {m: np.mean([corrected_interval(b, 500, m)[0] <= 0.8 for b in best]) for m in (1, 20)}
    assert held[1] < 0.8
    assert held[20] >= 0.95


def test_a_look_has_the_columns_of_the_file():
    assert Look._fields == ("test", "experiment", "model", "commit")
