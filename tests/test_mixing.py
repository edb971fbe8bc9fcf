import numpy as np
import pytest

from tasks.images.mixing import mix

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3), dtype=np.uint8)
TARGETS = np.eye(8, dtype=np.float32)


def mixed(share, batch, epoch=0):
    return mix(IMAGES, TARGETS, share, seed=0, epoch=epoch, batch=batch)


def test_a_share_of_zero_mixes_nothing():
    for batch in range(20):
        images, targets = mixed(0.0, batch)
        assert images is IMAGES
        assert targets is TARGETS


def test_about_the_wanted_share_of_batches_is_mixed():
    touched = sum(mixed(0.3, batch)[1] is not TARGETS for batch in range(500))
    assert 110 <= touched <= 190  # 150, four deviations


def test_labels_are_shared_out_as_the_pixels_are():
    for batch in range(60):
        images, targets = mixed(1.0, batch)
        assert targets.sum(axis=1) == pytest.approx(np.ones(8))
        kept = targets[0, 0]
        following = np.roll(IMAGES, -1, axis=0)
        from_self, from_next = (images == IMAGES).all(axis=3), (images == following).all(axis=3)
        if (from_self | from_next).all():  # a rectangle was pasted
            assert from_self.mean() == pytest.approx(kept, abs=0.01)
        else:
            wanted = kept * IMAGES + (1 - kept) * following
            assert np.abs(images - wanted).max() < 0.51


def test_the_same_batch_is_mixed_in_the_same_way_again():
    for a, b in zip(mixed(1.0, 5), mixed(1.0, 5), strict=True):
        assert np.array_equal(a, b)
