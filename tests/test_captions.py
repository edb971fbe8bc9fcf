"""Captions: one true sentence under each figure."""

import pytest

from tasks.report import captions
from tasks.report.wording import certainty, counted, distance, listed, percent, points


def pairs(*confusions: str) -> list[dict[str, str]]:
    """Return test images from texts such as `cat>dog`."""
    return [dict(zip(("actual", "predicted"), c.split(">"), strict=True)) for c in confusions]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a>a", "b>b"], "All 2 test pictures are right."),
        (["a>a", "a>b", "b>a"], "2 of 3 are wrong, no two in the same way."),
        (["a>b", "a>b", "b>a", "b>b"], "3 of 4 are wrong; most often a is taken for b (2 times)."),
    ],
)
def test_the_most_frequent_confusion_is_named(rows, said):
    assert captions.confusion(pairs(*rows)) == said


def bins(*values: tuple[float, float, int], which: str = "as given") -> list[dict[str, str]]:
    columns = ("probabilities", "confidence", "accuracy", "n")
    return [dict(zip(columns, (which, *map(str, value)), strict=True)) for value in values]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(0.9, 0.905, 10)], "Honest: it is 90.0 % sure on average and right 90.5 %."),
        ([(0.9, 0.7, 30), (0.5, 0.5, 10)], "Too sure of itself, by 15.0 points on average."),
        ([(0.6, 0.8, 10)], "Too modest: right 20.0 points more often than it says."),
        ([(1.0, 0.8, 10)], "Always 100 % sure, for one neighbour decides alone; right 80.0 %."),
    ],
)
def test_confidence_is_compared_with_accuracy_weighted_by_pictures(rows, said):
    assert captions.honesty(bins(*rows)) == said


def test_confidence_is_compared_before_and_after_calibration():
    rows = bins((0.9, 0.7, 10)) + bins((0.75, 0.7, 10), which="calibrated")
    assert captions.calibration(rows) == (
        "Too sure of itself, by 20.0 points on average. "
        "Calibrated on val: too sure of itself, by 5.0 points on average."
    )
    assert captions.calibration(rows[:1]) == "Too sure of itself, by 20.0 points on average."


def test_the_hardest_class_is_the_one_of_least_recall():
    rows = [
        {"class": "cat", "measure": "precision", "value": "0.1"},
        {"class": "cat", "measure": "recall", "value": "0.9"},
        {"class": "dog", "measure": "recall", "value": "0.8"},
    ]
    assert captions.classes(rows) == "Hardest to find: dog, recognised 80.0 % of the time."
    assert captions.classes([*rows[:1], {**rows[1], "value": "1.0"}]).startswith("Every picture")


def test_the_chosen_setting_is_named_with_its_mean():
    rows = [
        {"metric": "L1", "k": k, "fold": fold, "accuracy": str(accuracy)}
        for k, fold, accuracy in (
            ("1", "1", 0.8),
            ("1", "2", 0.9),
            ("3", "1", 0.7),
            ("3", "2", 0.9),
        )
    ]
    said = "Best of 2 settings: L1 with k = 1, 85.0 % over 2 folds."
    assert captions.history_neighbours(rows) == said
    assert captions.history_neighbours(rows[:2]) == (
        "L1 with k = 1, as given: 85.0 % on average over 2 folds."
    )


def test_a_history_names_the_epoch_of_the_lowest_validation_loss():
    rows = [{"epoch": str(e), "val_loss": str(abs(2 - e))} for e in (1, 2, 3)]
    assert captions.history_network(rows) == (
        "Learning over 3 epochs; validation loss lowest at epoch 2."
    )


def test_a_probability_never_reads_as_certain_when_it_is_not():
    assert [certainty(p) for p in (0.5, 0.974, 0.9951, 0.99999, 1.0)] == [
        *("50 %", "97 %", "99.5 %", "99.9 %", "100 %")
    ]


def test_numbers_read_as_a_person_writes_them():
    assert percent(0.98765, 2) == "98.77 %"
    assert points(0.9994, 0.9006) == "9.8 points"  # 99.9 - 90.1, as shown
    assert [distance(d) for d in (0, 12.34, 2310.4)] == ["0", "12.3", "2,310"]
    assert [counted(n, "picture") for n in (1, 2000)] == ["1 picture", "2,000 pictures"]
    assert [listed(list(items)) for items in ("", "a", "ab", "abc")] == [
        *("", "a", "a and b", "a, b and c")
    ]
