import json

import numpy as np
import pytest

from tasks.evaluate import draw_neighbours
from tasks.images.samples import Rows
from tasks.models.loading import load_classifier
from tasks.models.neighbours.trained import votes
from tasks.models.neighbours.training import choose, cross_validation, fit, fold_of
from tasks.params import Neighbours, Prepare
from tasks.stage import StageError
from tasks.stage.tables import read_table

PREPARE = Prepare(
    reader="image_folder", height=4, width=4, channels=1, max_pixels=100, max_quarantined=0.0
)


def params(**changes):
    given = {"model": "neighbours", "seed": 0, "metrics": ["L1", "L2"], "ks": [1, 3], "folds": 3}
    return Neighbours.model_validate(given | changes)


def rows(images, labels, first=0):
    """Return rows with made-up digests, in a dataset that consists of nothing else."""
    n = len(images)
    return Rows(
        images=images,
        index=np.arange(n),
        labels=np.asarray(labels),
        ids=[str(i) for i in range(first, first + n)],
        digests=[f"{i:064x}" for i in range(first, first + n)],
        classes=["dark", "light"],
    )


@pytest.fixture
def easy():
    """Return 60 dark and light pictures."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = (labels * 150)[:, None, None, None] + rng.integers(0, 60, (60, 4, 4, 1))
    return rows(images.astype(np.uint8), labels)


def test_the_majority_of_the_first_k_wins_and_ties_go_to_the_smallest_label():
    labels = np.array([[2, 1, 1, 0], [2, 0, 1, 1]])
    assert votes(labels, 3, 3).argmax(axis=1).tolist() == [1, 0]
    assert votes(labels, 4, 3).tolist() == [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]


def test_folds_ignore_the_split_and_keep_copies_together():
    digests = [f"{i:064x}" for i in range(3000)]
    folds = np.array([fold_of(digest, params()) for digest in digests])
    assert (np.abs(np.bincount(folds) - 1000) < 130).all()
    assert fold_of(digests[7], params()) == fold_of(digests[7], params())
    assert not np.array_equal(folds, [fold_of(d, params(seed=1)) for d in digests])


def test_cross_validation_scores_every_setting_on_every_fold(easy, tmp_path):
    table = list(cross_validation(easy, params(), 64, tmp_path))
    assert len(table) == 2 * 2 * 3
    assert all(accuracy == 1.0 for *_, accuracy in table)


def test_a_search_that_was_finished_is_not_made_again(easy, tmp_path):
    whole = list(cross_validation(easy, params(), 64, tmp_path))
    first, *others = sorted(tmp_path.iterdir())
    first.write_text(first.read_text().replace("1.0", "0.125"))
    others[0].unlink()
    again = list(cross_validation(easy, params(), 64, tmp_path))
    assert again != whole
    assert [a for a, w in zip(again, whole, strict=True) if a[3] != w[3]] == [
        row for row in again if row[3] == 0.125
    ]


def test_the_best_mean_is_chosen_and_the_smaller_k_in_a_tie():
    table = [("L1", 1, 1, 0.5), ("L1", 1, 2, 0.7), ("L1", 3, 1, 0.6), ("L1", 3, 2, 0.6)]
    assert choose(table) == ("L1", 1, pytest.approx(0.6))
    assert choose([*table, ("L2", 5, 1, 0.9), ("L2", 5, 2, 0.9)]) == ("L2", 5, pytest.approx(0.9))


def test_too_few_rows_for_k_are_refused(easy, tmp_path):
    few = rows(easy.images[:3], easy.labels[:3])
    with pytest.raises(StageError, match=r"fold 1 of 3 leaves \d+ of 3 rows to vote: expected"):
        list(cross_validation(few, params(ks=[50]), 64, tmp_path))


def test_a_fitted_model_is_self_contained_and_votes_with_train_and_val(easy, tmp_path):
    train = Rows(
        easy.images, np.arange(40), easy.labels[:40], easy.ids[:40], easy.digests[:40], easy.classes
    )
    val = Rows(
        easy.images, np.arange(40, 60), easy.labels[40:], easy.ids[40:], easy.digests[40:],
        easy.classes,
    )  # fmt: skip
    history = fit(train, val, params(), PREPARE, 64, tmp_path, tmp_path / "scratch")
    assert history.columns == ["metric", "k", "fold", "accuracy"]
    model = load_classifier(tmp_path, threads=1, memory_mib=64)
    assert model.learned_by_heart
    assert (model.recipe.metric, model.recipe.k) == ("L1", 1)
    assert model.recipe.cross_validated_accuracy == 1.0
    _, positions = model.neighbours(easy.images, 1)
    assert positions[:, 0].tolist() == list(range(60))  # val rows find themselves
    assert np.array_equal(model.probabilities(easy.images).argmax(axis=1), easy.labels)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(StageError, match=r"no model in '.*': expected 'recipe.json' there"):
        load_classifier(tmp_path, threads=1, memory_mib=64)


def test_the_recipe_is_readable_json(easy, tmp_path):
    fit(easy, rows(easy.images[:0], []), params(), PREPARE, 64, tmp_path, tmp_path / "scratch")
    assert json.loads((tmp_path / "recipe.json").read_text())["classes"] == ["dark", "light"]


def test_no_more_neighbours_are_drawn_than_there_are_training_images(tmp_path):
    images = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4, 1)
    few = rows(images, [0, 1, 1])
    fit(
        few,
        rows(images[:1], [0], first=3),
        params(ks=[1], folds=2),
        PREPARE,
        64,
        tmp_path,
        tmp_path,
    )
    model = load_classifier(tmp_path, threads=1, memory_mib=64)
    draw_neighbours(tmp_path, few, model)
    drawn = read_table(tmp_path / "neighbours.csv")
    assert set(drawn["id"][drawn["rank"] != "0"].astype(int)) <= set(range(len(model.images)))
    assert len(drawn) == 2 * (1 + len(model.images))
