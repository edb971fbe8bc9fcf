import numpy as np
import pytest

from tasks.datasets.packing import CHUNK, Broken, chunks, pack, packed
from tasks.datasets.pictures import Listing, Picture
from tasks.datasets.rows import Rows
from tasks.images.samples import Sample
from tasks.params import Prepare
from tasks.stage import StageError, cores

PREPARE = Prepare(
    reader="idx", height=2, width=2, channels=1, max_pixels=10**6, max_quarantined=0.0
)


def results_of(path, pictures, count):
    rows, log = Rows.create(path, count, (2, 2, 1)), path.with_suffix(".jsonl")
    pack(rows, Listing(["a", "b"], [""], count, pictures), PREPARE, "pack", log)
    return list(packed(log))


def white(at, side=2):
    return Picture(f"{at:05}", "ab"[at % 2], "", np.full((side, side, 1), 255, np.uint8))


@pytest.mark.parametrize("side", [2, 3])  # as prepared, and one that threads must resize
@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 10 * CHUNK])
def test_every_picture_fills_its_own_row(tmp_path, count, side):
    pictures = [
        Picture(f"{at:05}", "a", "", np.full((side, side, 1), at % 256, np.uint8))
        for at in range(count)
    ]
    results = results_of(tmp_path / "images.npy", pictures, count)
    assert [result.id for result in results] == [picture.id for picture in pictures]
    images = np.load(tmp_path / "images.npy")
    assert images[:, 1, 1, 0].tolist() == [at % 256 for at in range(count)]


def test_a_broken_picture_keeps_its_place_among_the_results(tmp_path):
    pictures = [white(at) for at in range(3)]
    (tmp_path / "empty.jpg").touch()
    pictures[1] = Picture("00001", "b", "", tmp_path / "empty.jpg")
    results = results_of(tmp_path / "images.npy", pictures, 3)
    assert [type(result) for result in results] == [Sample, Broken, Sample]
    assert results[1] == Broken("00001", "the file is empty")


def test_a_broken_picture_is_black_whatever_was_decoded_before_it(tmp_path):
    (tmp_path / "empty.jpg").touch()
    pictures = [white(at) for at in range(5 * CHUNK)]
    for at in range(1, 5 * CHUNK, 3):
        pictures[at] = Picture(f"{at:05}", "b", "", tmp_path / "empty.jpg")
    results_of(tmp_path / "images.npy", pictures, len(pictures))
    shown = np.load(tmp_path / "images.npy")[:, 0, 0, 0] > 0
    assert shown.tolist() == [at % 3 != 1 for at in range(5 * CHUNK)]


@pytest.mark.parametrize("written", [1, 12, 4 * CHUNK])
def test_every_picture_fills_its_row_however_many_are_written_at_one_go(
    tmp_path, monkeypatch, written
):
    monkeypatch.setattr("tasks.datasets.packing.WRITTEN", written)
    test_every_picture_fills_its_own_row(tmp_path, 2 * CHUNK + 5, side=3)


def test_pictures_are_asked_for_only_as_threads_become_free(tmp_path):
    count, ahead = 40 * CHUNK, []

    def slow():
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
        for at in range(count):
            ahead.append(at - np.count_nonzero(images[:, 0, 0, 0]))
            yield white(at, side=300)

    results_of(tmp_path / "images.npy", slow(), count)
    assert max(ahead) <= (2 * cores() + 2) * CHUNK


def test_an_error_of_the_reader_ends_the_packing(tmp_path):
    def damaged():
        yield from (white(at) for at in range(3 * CHUNK))
        raise StageError("the file ends early")

    with pytest.raises(StageError, match="the file ends early"):
        results_of(tmp_path / "images.npy", damaged(), 4 * CHUNK)


def test_chunks_that_were_logged_are_not_packed_again(tmp_path):
    pictures = [white(at) for at in range(3 * CHUNK + 1)]
    (tmp_path / "empty.jpg").touch()
    pictures[1] = Picture("00001", "b", "", tmp_path / "empty.jpg")
    whole = results_of(tmp_path / "whole.npy", pictures, len(pictures))
    log = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "again.jsonl").write_text("".join(log[:2]) + log[2][:40])
    path = tmp_path / "again.npy"
    assert results_of(path, pictures, len(pictures)) == whole
    assert (tmp_path / "again.jsonl").read_text() == "".join(log)
    filled = np.load(path)[:, 0, 0, 0] > 0
    assert filled.tolist() == [False] * 2 * CHUNK + [True] * (CHUNK + 1)


@pytest.mark.parametrize("count", [0, 1, CHUNK, 2 * CHUNK + 1])
def test_chunks_hold_all_in_order(count):
    pieces = list(chunks(range(count)))
    assert [at for _, piece in pieces for at in piece] == list(range(count))
    assert all(piece[0] == first for first, piece in pieces)
