"""What the report says of models that may be unsure."""

import pytest

from tasks.report.confidence import confidence_in_words

TOLD = {
    "coverage": 0.957,
    "coverage_asked": 0.95,
    "coverage_by_chance": 0.92,
    "mean_set_size": 1.25,
    "sure": 0.9,
    "sure_accuracy": 0.972,
}


def said(**changes):
    return confidence_in_words(TOLD | changes)


def test_it_says_how_often_a_model_is_sure_and_how_many_classes_it_names_otherwise():
    assert said() == (
        "Asked to be right 95 % of the time, it is sure of one class for 90.0 % of the test "
        "pictures, and right 97.2 % of these; for the others it is not sure and names 3.5 classes "
        "on average. Its answers held the right class 95.7 % of the time."
    )


@pytest.mark.parametrize(
    ("coverage", "end"),
    [
        (0.95, "the right class 95.0 % of the time."),
        (0.93, "93.0 % of the time, no less than chance explains (down to 92.0 %)."),
        (
            0.91,
            "pictures do not come as the validation pictures came, so do not rely on these sets.",
        ),
    ],
)
def test_a_shortfall_is_blamed_on_chance_only_where_chance_explains_it(coverage, end):
    assert said(coverage=coverage).endswith(end)


def test_a_model_that_is_right_often_enough_need_not_be_unsure():
    assert said(sure=1.0, mean_set_size=1.0).startswith(
        "To be right 95 % of the time it need never be unsure: it names one class for every test"
    )


def test_a_model_may_be_unsure_of_everything():
    assert "it is unsure of every test picture and names 10.0 classes" in said(
        sure=0.0, mean_set_size=10.0
    )


def test_metrics_from_before_calibration_say_nothing():
    assert confidence_in_words({"accuracy": 0.9}) == ""
