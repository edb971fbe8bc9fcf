import gzip

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tasks.datasets.packaged import read
from tasks.stage import StageError


def write_digits(raw, lines):
    raw.mkdir(exist_ok=True)
    (raw / "digits.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return raw


def line(pixels, label):
    return ",".join(map(str, [*pixels, label]))


@pytest.fixture
def real(tmp_path):
    """Write the table that scikit-learn ships, from its own reader of it."""
    bunch = load_digits()
    pairs = zip(bunch.data.astype(int), bunch.target, strict=True)
    return write_digits(tmp_path / "raw", [line(pixels, label) for pixels, label in pairs])


def test_the_digits_are_those_of_scikit_learn(real):
    listing, theirs = read(real), load_digits()
    pictures = list(listing.pictures)
    assert listing.count == len(pictures) == 1797
    assert [picture.label for picture in pictures] == [str(digit) for digit in theirs.target]
    images = np.stack([picture.source for picture in pictures])
    assert images.dtype == np.uint8
    assert np.array_equal(images[:, :, :, 0], np.floor(theirs.images * 255 / 16 + 0.5))


def test_the_digits_have_ten_classes_and_no_roles(real):
    listing = read(real)
    assert listing.classes == list("0123456789")
    assert listing.roles == [""]
    assert next(iter(listing.pictures)).id == "0000"


def test_counts_are_scaled_to_the_whole_range(tmp_path):
    counts = [*range(17), *[0] * 47]
    (picture,) = read(write_digits(tmp_path, [line(counts, 3)])).pictures
    grey = picture.source.ravel()[:17].tolist()
    assert (grey[0], grey[1], grey[8], grey[16]) == (0, 16, 128, 255)
    assert grey == sorted(set(grey))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line([0] * 63, 1)], "expected rows of 65 numbers, got 64"),
        ([line([17] * 64, 1)], r"pixels out of range: expected 0\.\.16, got 17\.\.17"),
        ([line([-1] * 64, 1)], r"pixels out of range: expected 0\.\.16, got -1\.\.-1"),
        ([line([0] * 64, 10)], r"digits out of range: expected 0\.\.9, got 10\.\.10"),
        (["cat,dog"], "is not a table of whole numbers"),
    ],
)
def test_another_table_is_refused(tmp_path, lines, message):
    with pytest.raises(StageError, match=message):
        read(write_digits(tmp_path, lines))


def test_a_file_that_is_not_gzipped_is_refused(tmp_path):
    (tmp_path / "digits.csv.gz").write_bytes(b"0,0,0")
    with pytest.raises(StageError, match="is not a table of whole numbers"):
        read(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StageError, match=r"no '.*digits\.csv\.gz': run download"):
        read(tmp_path)


def test_a_damaged_file_is_refused(real):
    path = real / "digits.csv.gz"
    data = bytearray(path.read_bytes())
    for at in range(20, len(data), 997):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        with pytest.raises(StageError, match=r"digits\.csv\.gz'"):
            read(real)
