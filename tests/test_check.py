"""A dataset is checked before anything is trained on it, and the verdict binds."""

import json

import numpy as np
import pytest

from tasks import check
from tasks.images.samples import Sample, train_rows
from tasks.images.samples import test_rows as rows_of_test
from tasks.params import Check
from tasks.quality.leaks import leaked_ids
from tasks.quality.oddities import oddities
from tasks.stage import CHECKS, PREPARED, SPLITS, StageError, written
from tasks.stage.tables import read_table, write_table
from tests.browser import browse
from tests.test_duplicates import scenes

NAME = "pets"


@pytest.fixture
def checked(workspace, own_params):
    """Return a function that checks 60 pictures: 2 copies of test in train, 1 of val."""

    def run(splits: list[str] | None = None, labels: list[str] | None = None, **changes) -> dict:
        dataset = own_params["datasets"]["cats_vs_dogs"]
        dataset["check"] |= {"leaks": "warn"} | changes
        workspace.write_params({"datasets": {NAME: dataset}, "experiments": {}})
        images = scenes(60, 32)
        images[50], images[51] = images[0], images[1]
        images[41] = images[2]
        digests = [image.tobytes().hex()[:64] for image in images]
        splits = splits or ["train"] * 40 + ["val"] * 10 + ["test"] * 10
        labels = labels or ["cat" if i % 2 else "<b>dog</b>" for i in range(60)]
        samples = [
            Sample(f"{s}/{i}", label, "", digest, 32, 32)
            for i, (s, label, digest) in enumerate(zip(splits, labels, digests, strict=True))
        ]
        write_table(PREPARED / NAME / "samples.csv", Sample._fields, samples)
        np.save(PREPARED / NAME / "images.npy", images)
        classes = json.dumps({"classes": sorted(set(labels))})
        written(PREPARED / NAME / "summary.json", classes)
        rows = ((s.id, split) for s, split in zip(samples, splits, strict=True))
        write_table(SPLITS / f"{NAME}.csv", ["id", "split"], rows)
        check.run(NAME)
        return json.loads((CHECKS / f"{NAME}.json").read_text("utf-8"))

    return run


def test_leaks_are_listed_and_left_with_a_warning(checked):
    said = checked()
    pairs = read_table(CHECKS / NAME / "pairs.csv")
    assert list(zip(pairs["id"], pairs["other_id"], strict=True)) == [
        ("train/0", "test/50"),
        ("train/1", "test/51"),
        ("train/2", "val/41"),
    ]
    assert (said["verdict"], said["leaked_test_images"], said["leaked_val_images"]) == (
        "leaks", 2, 1,
    )  # fmt: skip
    assert said["conflicting_labels"]["exact"] == 1
    assert len(train_rows(NAME)) == 40
    assert leaked_ids(NAME) == {"test/50", "test/51"}


def test_leaks_are_dropped_from_train_and_never_from_test(checked):
    said = checked(leaks="drop_from_train")
    assert (said["verdict"], said["left_out_of_training"]) == ("dropped", 3)
    assert train_rows(NAME).index.tolist() == list(range(3, 40))
    assert len(rows_of_test(NAME)) == 10
    assert leaked_ids(NAME) == frozenset()


def test_leaks_are_refused_in_one_line_and_nothing_can_be_learned(checked):
    with pytest.raises(StageError, match="'pets' leaks: 2 test and 1 val pictures have copies in"):
        checked(leaks="fail")
    assert (CHECKS / NAME / "index.html").exists()
    with pytest.raises(StageError, match="check refuses 'pets'"):
        train_rows(NAME)


def test_dropping_all_of_a_class_is_refused(checked):
    labels = ["rare", "rare", *["cat"] * 48, "rare", "rare", *["cat"] * 8]
    with pytest.raises(StageError, match=r"leaving out 3 copies would leave class 'rare' without"):
        checked(labels=labels, leaks="drop_from_train")


def test_a_missing_class_and_imbalance_are_said(checked, capsys):
    labels = ["cat"] * 38 + ["dog"] * 2 + ["cat"] * 20
    said = checked(labels=labels)
    assert said["classes_missing"] == {"train": [], "val": ["dog"], "test": ["dog"]}
    printed = capsys.readouterr().out
    assert "warning: pets: val has no picture of dog" in printed
    assert "the most frequent class in train is 19.0 times as frequent as the rarest" in printed


@pytest.mark.parametrize(
    ("table", "was", "becomes", "got"),
    [
        (SPLITS / f"{NAME}.csv", "test/59,test", "test/59,exam", "split 'exam'"),
        (SPLITS / f"{NAME}.csv", "test/59,test\n", "", "59 rows for 60 pictures"),
        (PREPARED / NAME / "samples.csv", ",32,32\n", ",32,wide\n", "invalid literal"),
        (
            PREPARED / NAME / "samples.csv",
            ",32,32\n",
            f",{2**31},32\n",
            "signed integer is greater",
        ),
        (PREPARED / NAME / "samples.csv", ",,", ",,ab", "digest 'ab.*' of 'train/0'"),
    ],
)
def test_a_damaged_table_is_refused_and_what_was_found_before_is_kept(
    checked, table, was, becomes, got
):
    checked()
    before = {p: p.read_bytes() for p in CHECKS.rglob("*.*") if p.is_file()}
    written(table, table.read_text("utf-8").replace(was, becomes, 1))
    with pytest.raises(StageError, match=f"is damaged: {got}"):
        check.run(NAME)
    assert {p: p.read_bytes() for p in CHECKS.rglob("*.*") if p.is_file()} == before


def test_checking_twice_gives_the_same_bytes(checked):
    def files() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in CHECKS.rglob("*.*") if p.is_file()}

    checked()
    once = files()
    checked()
    assert files() == once
    assert sorted(once) == ["index.html", "odd.csv", "pairs.csv", "pets.json", "verdict.json"]


def test_odd_pictures_are_named_with_what_is_odd():
    images = 112 + scenes(50, 16) // 8
    images[3], images[7] = 254, 0
    images[7, 0, 0] = 1
    widths, heights = np.full(50, 100, np.int32), np.full(50, 100, np.int32)
    widths[9], heights[9], widths[11] = 2000, 2000, 1000
    params = Check(leaks="warn", likeness=1, distinct=1, faint=2, outlier=6, imbalance=3)
    odd = {(o.at, o.kind) for o in oddities(images, widths, heights, params)}
    assert odd == {
        (3, "nearly empty"), (3, "bright"), (7, "nearly empty"), (7, "dark"),
        (9, "large"), (11, "large"), (11, "long"),
    }  # fmt: skip


def test_the_page_shows_pairs_without_a_network_or_an_error(checked, chromium, tmp_path):
    checked()
    path = CHECKS / NAME / "index.html"
    page = path.read_text("utf-8")
    assert "<b>dog</b>" not in page
    assert "Test pictures with a copy in train or val (2)" in page
    assert "://" not in page
    seen = browse(chromium, path.resolve().as_uri(), tmp_path / "profile")
    assert "CONSOLE" not in seen.stderr
    assert seen.stdout.count("<figure>") == page.count("<figure>") > 0
