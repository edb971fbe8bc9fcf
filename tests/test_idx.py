import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.datasets.idx import FILES, read
from tasks.datasets.pictures import row_id
from tasks.stage import StageError

TRAIN_IMAGES, TRAIN_LABELS = (f"{name}.gz" for name in FILES["train"])


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(">BBBB", 0, 0, 8, values.ndim)
    return header + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


@pytest.fixture
def arrays():
    """Return images (n, 5, 4) and labels (n,) of each role."""
    rng = np.random.default_rng(0)
    return {
        role: (rng.integers(0, 256, (n, 5, 4), np.uint8), np.arange(n, dtype=np.uint8) % 10)
        for role, n in (("test", 11), ("train", 23))
    }


@pytest.fixture(params=[".gz", ""])
def raw(request, tmp_path, arrays):
    for role, pair in arrays.items():
        for name, values in zip(FILES[role], pair, strict=True):
            write(tmp_path / f"{name}{request.param}", idx(values))
    return tmp_path


@pytest.fixture
def zipped(tmp_path, arrays):
    for role, pair in arrays.items():
        for name, values in zip(FILES[role], pair, strict=True):
            write(tmp_path / f"{name}.gz", idx(values))
    return tmp_path


def test_pictures_come_as_they_were_written(raw, arrays):
    listing = read(raw)
    pictures = list(listing.pictures)
    assert listing.count == len(pictures) == 34
    for role, (images, labels) in arrays.items():
        of_role = [picture for picture in pictures if picture.role == role]
        assert [int(picture.label) for picture in of_role] == labels.tolist()
        assert np.array_equal(np.stack([p.source for p in of_role])[:, :, :, 0], images)


def test_ids_ascend_and_classes_are_digits(raw):
    listing = read(raw)
    ids = [picture.id for picture in listing.pictures]
    assert ids == sorted(set(ids))
    assert (ids[0], ids[-1]) == ("test/00", "train/22")
    assert listing.classes == list("0123456789")
    assert listing.roles == ["test", "train"]


@given(st.integers(1, 3000))
def test_names_of_rows_sort_as_rows_do(rows):
    names = [row_id("train", row, rows) for row in range(rows)]
    assert names == sorted(set(names))


def test_a_missing_file_is_named(zipped):
    (zipped / TRAIN_LABELS).unlink()
    with pytest.raises(StageError, match=r"no '.*train-labels-idx1-ubyte\.gz': run download"):
        read(zipped)


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
def test_another_magic_number_is_refused(zipped, name):
    content = bytearray(gzip.decompress((zipped / name).read_bytes()))
    content[2] = 0x0D  # floating point
    write(zipped / name, bytes(content))
    with pytest.raises(StageError, match="is damaged: expected an IDX header of bytes in"):
        read(zipped)


def test_swapped_files_are_refused(zipped, arrays):
    write(zipped / TRAIN_LABELS, idx(arrays["train"][0]))
    with pytest.raises(StageError, match="expected an IDX header of bytes in 1 dimensions"):
        read(zipped)


def test_images_and_labels_must_be_as_many(zipped):
    write(zipped / TRAIN_LABELS, idx(np.zeros(22, np.uint8)))
    with pytest.raises(StageError, match="as many images as labels in train, got 23 and 22"):
        read(zipped)


def test_a_label_out_of_range_is_refused(zipped):
    write(zipped / TRAIN_LABELS, idx(np.full(23, 10, np.uint8)))
    with pytest.raises(StageError, match=r"expected labels in 0\.\.9, got 10"):
        read(zipped)


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "it ends before its header says"),
        (lambda content: content + b"\0", "it goes on after its header says"),
    ],
)
def test_a_size_other_than_the_header_says_is_refused(zipped, name, change, message):
    write(zipped / name, change(gzip.decompress((zipped / name).read_bytes())))
    with pytest.raises(StageError, match=message):
        list(read(zipped).pictures)


@pytest.mark.parametrize("change", [lambda zip: zip[:-9], lambda zip: b"no" + zip[2:]])
def test_a_damaged_gzip_file_is_refused(zipped, change):
    path = zipped / TRAIN_IMAGES
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(StageError, match=r"ubyte\.gz' is damaged: .* Delete it and run download"):
        list(read(zipped).pictures)
