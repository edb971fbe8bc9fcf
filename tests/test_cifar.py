import numpy as np
import pytest

from tasks.datasets.cifar import RECORD, read
from tasks.stage import StageError

CLASSES = ["plane", "car", "bird"]


def batch(labels, seed):
    planes = np.random.default_rng(seed).integers(0, 256, (len(labels), RECORD - 1), np.uint8)
    return np.concatenate([np.array(labels, np.uint8)[:, np.newaxis], planes], axis=1)


@pytest.fixture
def folder(tmp_path):
    """Write three training batches and a test batch, deep in a folder as the archive has it."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "batches.meta.txt").write_text("\n".join(CLASSES) + "\n\n")
    for number, labels in (1, [0, 1, 2, 0]), (2, [1, 1]), (10, [2]):
        batch(labels, number).tofile(folder / f"data_batch_{number}.bin")
    batch([2, 1, 0], 99).tofile(folder / "test_batch.bin")
    return folder


def test_labels_follow_the_batches_in_their_order(folder):
    listing = read(folder.parent)
    pictures = list(listing.pictures)
    assert listing.count == len(pictures) == 10
    assert listing.classes == sorted(CLASSES)
    train = [CLASSES.index(picture.label) for picture in pictures if picture.role == "train"]
    test = [CLASSES.index(picture.label) for picture in pictures if picture.role == "test"]
    assert (train, test) == ([0, 1, 2, 0, 1, 1, 2], [2, 1, 0])


def test_ids_ascend(folder):
    ids = [picture.id for picture in read(folder.parent).pictures]
    assert ids == sorted(set(ids))


def test_planes_become_channels(folder):
    first = next(iter(read(folder.parent).pictures)).source
    planes = batch([2, 1, 0], 99)[0, 1:]
    assert first.shape == (32, 32, 3)
    assert first[0, 1].tolist() == [planes[1], planes[1024 + 1], planes[2048 + 1]]
    assert first[31, 0, 2] == planes[2048 + 31 * 32]


def test_pickles_beside_the_batches_are_never_opened(folder):
    (folder / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    (folder / "batches.meta").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    assert len(list(read(folder.parent).pictures)) == 10


@pytest.mark.parametrize("name", ["batches.meta.txt", "test_batch.bin"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(StageError, match=f"no '{name}' in .*: run download"):
        read(folder.parent)


def test_missing_training_batches_are_named(folder):
    for path in folder.glob("data_batch_*"):
        path.unlink()
    with pytest.raises(StageError, match=r"no 'data_batch_1\.bin' beside .*: run download"):
        read(folder.parent)


@pytest.mark.parametrize("content", [b"", bytes(RECORD - 1), bytes(2 * RECORD + 1)])
def test_a_batch_of_another_size_is_refused(folder, content):
    (folder / "data_batch_2.bin").write_bytes(content)
    with pytest.raises(StageError, match=f"expected records of 3073 bytes, got {len(content)}"):
        read(folder.parent)


def test_a_label_without_a_name_is_refused(folder):
    batch([3], 0).tofile(folder / "data_batch_2.bin")
    with pytest.raises(StageError, match=r"data_batch_2\.bin': expected labels in 0\.\.2, got 3"):
        list(read(folder.parent).pictures)


def test_damaged_names_of_classes_are_refused(folder):
    (folder / "batches.meta.txt").write_bytes(b"airplane\nc\xe1t\n")
    with pytest.raises(
        StageError, match=r"batches\.meta\.txt' is damaged: expected names in ASCII, "
    ):
        read(folder)
