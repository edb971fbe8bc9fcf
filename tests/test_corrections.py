"""Corrected labels, from a person's table to what prepare and split make of it."""

import pytest

from tasks import check, download, prepare, relabel, split
from tasks.images.samples import Sample, relabelled, train_rows
from tasks.labels.corrections import (
    LABELS,
    Correction,
    corrected,
    merged,
    read_corrections,
    write_corrections,
)
from tasks.labels.doubts import Doubt, read_decisions, write_doubts
from tasks.stage import PREPARED, SPLITS, StageError
from tasks.stage.tables import read_table

SAMPLES = [Sample("a", "cat", "", "d1", 8, 8), Sample("b", "dog", "", "d2", 8, 8)]
CLASSES = ["cat", "dog"]


def test_a_correction_changes_one_label(tmp_path):
    found = list(corrected(SAMPLES, [Correction("b", "d2", "dog", "cat")], CLASSES, tmp_path))
    assert [sample.label for sample in found] == ["cat", "cat"]
    assert list(corrected(SAMPLES, [], CLASSES, tmp_path)) == SAMPLES


@pytest.mark.parametrize(
    ("correction", "said"),
    [
        (Correction("z", "d1", "cat", "dog"), "'z', which is no picture of the dataset"),
        (Correction("a", "d9", "cat", "dog"), "'a', whose pixels are others than those reviewed"),
        (Correction("a", "d1", "dog", "cat"), "from 'dog': expected that label, got 'cat'"),
        (Correction("a", "d1", "cat", "cow"), "'a' to 'cow': expected one of cat, dog"),
    ],
)
def test_a_correction_that_was_meant_for_something_else_is_refused(tmp_path, correction, said):
    with pytest.raises(StageError, match=f"corrects .*{said}"):
        list(corrected(SAMPLES, [correction], CLASSES, tmp_path / "x.csv"))


def test_a_table_that_is_none_or_says_two_things_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,label\na,cat\n")
    with pytest.raises(StageError, match=r"has the columns id, label: expected id, digest, was"):
        read_corrections(path)
    path.write_text("id,digest,was,now\na,d1,cat,dog\na,d1,cat,cow\n")
    with pytest.raises(StageError, match="has 'a' twice, on lines 2 and 3: expected one row a"):
        read_corrections(path)
    path.write_text("id,digest,was,now\na,d1,cat\n")
    with pytest.raises(StageError, match="has a row of 3 values on line 2: expected 4, one for"):
        read_corrections(path)
    path.write_text("id,digest,was,now\na,d,x,\n")
    with pytest.raises(StageError, match="has no now on line 2: expected a value"):
        read_corrections(path)
    path.write_text("")
    with pytest.raises(StageError, match=r"has the columns \(none\): expected id, digest"):
        read_corrections(path)


def test_later_decisions_win_and_the_authors_label_ends_a_correction(tmp_path):
    old = [Correction("a", "d1", "cat", "dog"), Correction("b", "d2", "dog", "cat")]
    new = [Correction("a", "d1", "dog", "cat"), Correction("c", "d3", "cat", "dog")]
    assert merged(old, new) == [old[1], new[1]]
    assert merged(old, [Correction("b", "d2", "cat", "cow")])[1].was == "dog"
    write_corrections(tmp_path / "x.csv", reversed(old))
    assert read_corrections(tmp_path / "x.csv") == old


@pytest.fixture
def digits(workspace):
    for stage in (download, prepare, split, check):
        stage.run("digits")
    return workspace


def decide(path, *decisions):
    """Write a table of doubts that a person has filled in: id, digest, label, decision."""
    write_doubts(
        path, [Doubt(id, d, label, "9", "0.1", "0.8", now) for id, d, label, now in decisions]
    )


def test_what_a_person_decided_changes_train_and_nothing_in_test(digits, capsys):
    rows = train_rows("digits")
    name, digest, label = rows.ids[0], rows.digests[0], rows.classes[rows.labels[0]]
    other = next(c for c in rows.classes if c != label)
    table = digits.root / "filled.csv"
    decide(table, (name, digest, label, other), (rows.ids[1], rows.digests[1], "x", ""))
    before = read_table(SPLITS / "digits.csv")
    relabel.run("digits_knn", table)
    assert (
        "datasets.digits.labels: data/labels/digits.csv in params.yaml" in capsys.readouterr().out
    )

    digits.write_params({"datasets.digits.labels": "data/labels/digits.csv"})
    prepare.run("digits")
    assert "1 labels corrected" in capsys.readouterr().out
    split.run("digits")
    assert relabelled("digits") == {name}
    now = train_rows("digits")
    assert now.classes[now.labels[0]] == other
    assert read_table(SPLITS / "digits.csv").equals(before)

    decide(table, (name, digest, other, label))  # back to what the authors said
    relabel.run("digits_knn", table)
    assert read_corrections(LABELS / "digits.csv") == []


def test_a_label_of_the_test_set_is_never_changed(digits):
    samples = read_table(PREPARED / "digits" / "samples.csv").set_index("id")
    places = read_table(SPLITS / "digits.csv").set_index("id")["split"]
    name = places[places == "test"].index[0]
    digest, label = samples.loc[name, "digest"], samples.loc[name, "label"]
    table = digits.root / "filled.csv"
    other = "0" if label != "0" else "1"
    decide(table, (name, digest, label, other))
    with pytest.raises(StageError, match="Labels of the test set are not changed"):
        relabel.run("digits_knn", table)

    write_corrections(LABELS / "digits.csv", [Correction(name, digest, label, other)])
    digits.write_params({"datasets.digits.labels": "data/labels/digits.csv"})
    prepare.run("digits")
    with pytest.raises(StageError, match=f"label of test picture '{name}' of 'digits' would be"):
        split.run("digits")


def test_a_table_that_suspect_did_not_write_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,label\na,cat\n")
    with pytest.raises(
        StageError, match="has the columns id, label: expected id, digest, label, dec"
    ):
        read_decisions(path, {}, CLASSES)
    decide(path, ("a", "d1", "cat", "cow"))
    with pytest.raises(StageError, match="says 'cow' of 'a': expected one of cat, dog"):
        read_decisions(path, {"a": "d1"}, CLASSES)
    with pytest.raises(StageError, match="decides on 'a': expected a picture of train or val"):
        read_decisions(path, {"a": "d2"}, CLASSES)
