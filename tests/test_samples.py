import json

import numpy as np
import pytest

from tasks.images import samples
from tasks.images.samples import Rows, Sample, position, test_rows, train_rows, val_rows
from tasks.stage import CHECKS, PREPARED, SPLITS, StageError, written
from tasks.stage.tables import read_columns, read_table, write_table

test_rows.__test__ = False  # it is no test, whatever its name says
NAMES = ["NA", "01", 'a "quoted", name', "🐈\nnew line"]


@pytest.fixture
def packed(workspace):
    """Write a tiny packed dataset with awkward names."""
    images = np.arange(8 * 4, dtype=np.uint8).reshape(8, 2, 2, 1)
    (PREPARED / "tiny").mkdir(parents=True)
    np.save(PREPARED / "tiny" / "images.npy", images)
    listed = [Sample(f"{i}-{NAMES[i % 4]}", NAMES[i % 4], "", f"{i:064x}", 2, 2) for i in range(8)]
    write_table(PREPARED / "tiny" / "samples.csv", Sample._fields, listed)
    written(PREPARED / "tiny" / "summary.json", json.dumps({"classes": sorted(NAMES)}))
    splits = ["train", "val", "test", "dropped"] * 2
    rows = ([s.id, split] for s, split in zip(listed, splits, strict=True))
    write_table(SPLITS / "tiny.csv", ["id", "split"], rows)
    verdict(training="allowed", left_out=[])
    return images


def verdict(**said):
    written(CHECKS / "tiny" / "verdict.json", json.dumps(said))


def test_every_split_reads_its_own_rows(packed):
    for read, first in ((train_rows, 0), (val_rows, 1), (test_rows, 2)):
        rows = read("tiny")
        assert rows.index.tolist() == [first, first + 4]
        assert np.array_equal(rows.pixels(), packed[[first, first + 4]])
        assert [rows.classes[label] for label in rows.labels] == [NAMES[first]] * 2
        assert list(rows.ids) == [f"{first}-{NAMES[first]}", f"{first + 4}-{NAMES[first]}"]
        digests = read_table(PREPARED / "tiny" / "samples.csv")["digest"]
        assert list(rows.digests) == digests[rows.index].tolist()
        assert len(rows) == len(rows.ids) == len(rows.digests) == 2


def test_images_stay_on_disk(packed):
    assert isinstance(train_rows("tiny").images, np.memmap)


def test_ids_and_digests_are_read_when_they_are_asked_for(packed):
    rows = train_rows("tiny")
    (PREPARED / "tiny" / "samples.csv").unlink()
    assert np.array_equal(rows.pixels(), packed[[0, 4]])
    with pytest.raises(StageError, match=r"no 'data/prepared/tiny/samples\.csv'"):
        rows.digests[0]


def test_pieces_are_all_images_in_their_order(packed, monkeypatch):
    rows = Rows(packed, np.arange(8), np.zeros(8, int), [], [], ["a"])
    which = np.array([6, 1, 1, 0])
    assert [piece.shape[0] for piece in rows.pieces()] == [8]
    monkeypatch.setattr(samples, "PIECE", 1)
    monkeypatch.setattr(samples, "TOGETHER", 3)
    assert [piece.shape[0] for piece in rows.pieces()] == [3, 3, 2]
    assert np.array_equal(np.concatenate([*rows.pieces()]), packed)
    assert np.array_equal(np.concatenate([*rows.pieces(which)]), packed[which])


def test_a_split_of_other_samples_is_refused(packed):
    write_table(SPLITS / "tiny.csv", ["id", "split"], [["other", "train"]] * 8)
    with pytest.raises(StageError, match=r"lists other samples than '.*tiny': expected the same"):
        train_rows("tiny")


def test_a_missing_table_says_which_stage_is_missing(workspace):
    with pytest.raises(StageError, match=r"no 'data/splits/x\.csv': run the stage that makes it"):
        read_table(SPLITS / "x.csv")


def test_positions_are_uniform_and_depend_on_the_seed():
    drawn = np.array([[position(seed, str(i)) for i in range(5000)] for seed in (0, 1)])
    assert np.abs(np.histogram(drawn, bins=10, range=(0, 1))[0] - 1000).max() < 120
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.05


def test_what_check_leaves_out_is_not_learned_from_and_test_stays(packed):
    verdict(training="allowed", left_out=["0-NA", f"5-{NAMES[1]}", "2-" + NAMES[2]])
    assert train_rows("tiny").index.tolist() == [4]
    assert val_rows("tiny").index.tolist() == [1]
    assert test_rows("tiny").index.tolist() == [2, 6]


def test_nobody_learns_from_what_check_refuses_or_has_not_seen(packed):
    verdict(training="refused", left_out=[])
    with pytest.raises(StageError, match="check refuses 'tiny' because pictures leak between its"):
        train_rows("tiny")
    (CHECKS / "tiny" / "verdict.json").unlink()
    with pytest.raises(StageError, match=r"check has not run\. Run dvc repro check@tiny"):
        val_rows("tiny")
    assert len(test_rows("tiny")) == 2


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "no column id"),
        ("id,role\n", "no column label"),
        ("id,label\na\n", "1 values in line 2"),
    ],
)
def test_a_damaged_table_is_refused(workspace, text, got):
    path = workspace.root / "x.csv"
    path.write_text(text)
    with pytest.raises(StageError, match=rf"x\.csv' is damaged: {got}"):
        list(read_columns(path, ["id", "label"]))
