import os
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.datasets.image_folder import read, written_name
from tasks.stage import StageError

posix = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")


def grow(root: Path, *files: str) -> Path:
    """Make empty files: listing does not look inside."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def listed(raw: Path) -> list[tuple[str, str, str]]:
    return [(picture.id, picture.label, picture.role) for picture in read(raw).pictures]


# ---- where classes are found ----------------------------------------------------------


@pytest.mark.parametrize("wrapping", ["", "pets/", "archive/v 2/pets/"])
def test_class_folders_are_found_whatever_wraps_them(tmp_path, wrapping):
    grow(tmp_path, f"{wrapping}cats/1.jpg", f"{wrapping}dogs/1.jpg")
    assert listed(tmp_path) == [
        (f"{wrapping}cats/1.jpg", "cats", ""),
        (f"{wrapping}dogs/1.jpg", "dogs", ""),
    ]


def test_pictures_deep_in_a_class_folder_belong_to_it(tmp_path):
    grow(tmp_path, "cats/a/b/1.jpg", "cats/2.jpg", "dogs/1.jpg")
    assert [label for _, label, _ in listed(tmp_path)] == ["cats", "cats", "dogs"]


@pytest.mark.parametrize("wrapping", ["", "cats_and_dogs/"])
@pytest.mark.parametrize("val", ["val", "valid", "validation", "Validation", "VAL"])
def test_the_authors_folders_are_recognised(tmp_path, wrapping, val):
    for part in "Train", val, "test":
        grow(tmp_path, f"{wrapping}{part}/cats/1.jpg", f"{wrapping}{part}/dogs/1.jpg")
    listing = read(tmp_path)
    assert listing.roles == ["test", "train", "val"]
    assert listing.classes == ["cats", "dogs"]
    roles = {picture.id.split("/")[-3]: picture.role for picture in listing.pictures}
    assert roles == {"Train": "train", val: "val", "test": "test"}


def test_the_authors_folders_may_be_wrapped_inside(tmp_path):
    grow(tmp_path, "train/images/cats/1.jpg", "train/images/dogs/1.jpg", "test/cats/1.jpg")
    assert [(label, role) for _, label, role in listed(tmp_path)] == [
        ("cats", "test"),
        ("cats", "train"),
        ("dogs", "train"),
    ]


def test_a_class_may_be_called_train(tmp_path):
    grow(tmp_path, "train/1.jpg", "plane/1.jpg", "test/1.jpg")
    listing = read(tmp_path)
    assert (listing.classes, listing.roles) == (["plane", "test", "train"], [""])


def test_folders_count_as_the_authors_only_with_train_among_them(tmp_path):
    grow(tmp_path, "test/a/1.jpg", "val/b/1.jpg")
    assert read(tmp_path).classes == ["test", "val"]


def test_an_unlabelled_test_folder_is_no_test_set(tmp_path):
    grow(tmp_path, "train/cats/1.jpg", "train/dogs/1.jpg", "test/1.jpg", "test/2.jpg")
    listing = read(tmp_path)
    assert (listing.roles, listing.count) == (["train"], 2)
    assert listing.ignored == {"outside class folders": 2}


def test_a_class_in_one_role_only_is_listed_for_all(tmp_path):
    grow(tmp_path, "train/cats/1.jpg", "train/dogs/1.jpg", "test/cats/1.jpg", "test/cows/1.jpg")
    assert read(tmp_path).classes == ["cats", "cows", "dogs"]


def test_an_empty_class_folder_is_a_class(tmp_path):
    grow(tmp_path, "cats/1.jpg", "dogs/.DS_Store")
    listing = read(tmp_path)
    assert (listing.classes, listing.count) == (["cats", "dogs"], 1)


# ---- junk -----------------------------------------------------------------------------


def test_junk_is_passed_over_and_counted(tmp_path):
    grow(
        tmp_path,
        *("pets/cats/1.jpg", "pets/dogs/1.jpg", "pets/dogs/notes.txt"),
        *("pets/vectorize.py", "README", "pets/cover.jpg"),
        *("pets/.DS_Store", "pets/cats/.DS_Store", "pets/cats/Thumbs.db", "desktop.ini"),
        *("__MACOSX/pets/cats/._1.jpg", "__MACOSX/pets/._cats"),
        *("pets/dogs/._1.jpg", ".git/config", ".git/objects/00"),
    )
    listing = read(tmp_path)
    assert listing.ignored == {
        ".DS_Store": 2,
        "Thumbs.db": 1,
        "__MACOSX": 2,
        "desktop.ini": 1,
        "hidden": 3,
        "outside class folders": 3,
    }
    assert [label for _, label, _ in listed(tmp_path)] == ["cats", "dogs", "dogs"]


@posix
def test_links_to_folders_and_pipes_are_passed_over_and_counted(tmp_path):
    grow(tmp_path, "cats/1.jpg", "dogs/1.jpg")
    (tmp_path / "cats/loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(tmp_path / "dogs/pipe.jpg")
    assert read(tmp_path).ignored == {"link to a folder": 1, "no file": 1}


@posix
def test_a_link_to_a_picture_is_a_picture_even_if_it_leads_nowhere(tmp_path):
    grow(tmp_path, "cats/1.jpg", "dogs/1.jpg")
    (tmp_path / "cats/2.jpg").symlink_to(tmp_path / "gone.jpg")
    assert read(tmp_path).count == 3


# ---- names ----------------------------------------------------------------------------


def test_pictures_are_sorted_by_id(tmp_path):
    grow(tmp_path, *(f"{c}/{name}.jpg" for c in "ab" for name in ("10", "9", "B", "a", "é")))
    ids = [id for id, _, _ in listed(tmp_path)]
    assert ids == sorted(ids)


@posix
def test_odd_names_are_written_in_plain_utf_8(tmp_path):
    names = {
        "a b,c.jpg": "a b,c.jpg",
        'say "hi" it\'s.jpg': 'say "hi" it\'s.jpg',
        "🐈.jpg": "🐈.jpg",
        "two\nlines\t.jpg": r"two\nlines\t.jpg",
        "back\\slash.jpg": r"back\\slash.jpg",
        os.fsdecode(b"caf\xe9.jpg"): r"caf\xe9.jpg",
        "café.jpg": "café.jpg",
    }
    grow(tmp_path, *(f"cats/{name}" for name in names), "dogs/1.jpg")
    ids = {id.removeprefix("cats/") for id, label, _ in listed(tmp_path) if label == "cats"}
    assert ids == set(names.values())


@posix
@given(st.sets(st.binary(min_size=1, max_size=4), min_size=2))
def test_different_names_are_written_differently(names):
    paths = {os.fsdecode(name.replace(b"\0", b"0").replace(b"/", b".")) for name in names}
    assert len({written_name(path) for path in paths}) == len(paths)


@posix
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cats", "Cats"),
        ("straße", "STRASSE"),
        (unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")),
    ],
)
@pytest.mark.parametrize("folders", ["{}/1.jpg", "train/{}/1.jpg"])
def test_class_names_that_collide_are_refused(tmp_path, one, other, folders):
    grow(tmp_path, folders.format(one), folders.format(other))
    with pytest.raises(StageError, match="differ in letter case or Unicode form only"):
        read(tmp_path)


@posix
def test_class_names_that_collide_between_roles_are_refused(tmp_path):
    grow(tmp_path, "train/cats/1.jpg", "train/dogs/1.jpg", "test/Cats/1.jpg", "test/dogs/1.jpg")
    with pytest.raises(StageError, match="class folders 'Cats' and 'cats' differ"):
        read(tmp_path)


def test_two_folders_for_one_role_are_refused(tmp_path):
    grow(tmp_path, "train/cats/1.jpg", "val/cats/1.jpg", "validation/cats/1.jpg")
    with pytest.raises(StageError, match=r"val' and '.*validation' both claim to be val"):
        read(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StageError, match=r"no '.*gone': run download"):
        read(tmp_path / "gone")
