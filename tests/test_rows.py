import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.datasets.rows import STRIDE, Rows

SHAPE = (3, 5, 2)


def filled(path, count, chunk=7):
    rows = Rows.create(path, count, SHAPE)
    images = np.random.default_rng(count).integers(0, 256, (count, *SHAPE), np.uint8)
    with path.open("r+b") as file:
        for first in sorted(range(0, count, chunk), key=lambda first: first % 5):
            rows.write(file, first, images[first : first + chunk])
    return rows, images


def test_rows_written_in_pieces_read_as_one_array(tmp_path):
    rows, images = filled(tmp_path / "images.npy", 40)
    assert np.array_equal(np.load(rows.path), images)


def test_the_array_can_be_mapped(tmp_path):
    rows, images = filled(tmp_path / "images.npy", 40)
    mapped = np.load(rows.path, mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert np.array_equal(mapped[17], images[17])


@given(st.lists(st.booleans(), min_size=1, max_size=3 * STRIDE).filter(any))
def test_keeping_some_rows_is_choosing_them(tmp_path_factory, kept):
    rows, images = filled(tmp_path_factory.mktemp("rows") / "images.npy", len(kept))
    rows.move(kept, rows.path.with_name("kept.npy"))
    assert np.array_equal(np.load(rows.path.with_name("kept.npy")), images[kept])
    assert [path.name for path in rows.path.parent.iterdir()] == ["kept.npy"]


@pytest.mark.parametrize("dropped", [0, STRIDE - 1, STRIDE, 2 * STRIDE])
def test_a_gap_at_the_edge_of_a_stride_closes(tmp_path, dropped):
    rows, images = filled(tmp_path / "images.npy", 2 * STRIDE + 1)
    rows.move([row != dropped for row in range(len(images))], rows.path.with_name("kept.npy"))
    kept = np.load(rows.path.with_name("kept.npy"))
    assert np.array_equal(kept, np.delete(images, dropped, axis=0))
