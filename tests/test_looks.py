"""What the report says of the looks at a test set."""

import json

import pytest

from tasks.measures.ledger import Look
from tasks.report.looks import looks_in_words
from tasks.report.results import Result
from tasks.stage import CALIBRATION, LEDGER, written
from tasks.stage.tables import write_table

RESULTS = [
    Result("pets_knn", "Neighbours", "pets", None, {"accuracy": 0.8, "n": 500}),
    Result("pets_cnn", "Network", "pets", None, {"accuracy": 0.9, "n": 500}),
    Result("pets_best", "Another", "pets", None, None),
]


@pytest.fixture
def looks(workspace):
    """Return a function that writes a ledger with so many models."""
    return lambda count: write_table(
        LEDGER / "pets.csv",
        Look._fields,
        [Look("t", "pets_cnn", f"m{i}", "") for i in range(count)],
    )


def test_nothing_is_said_without_a_ledger_or_a_result(looks):
    assert looks_in_words("pets", RESULTS) == ""
    looks(3)
    assert looks_in_words("pets", RESULTS[2:]) == ""


def test_one_look_needs_no_correction(looks):
    looks(1)
    assert looks_in_words("pets", RESULTS) == "One model has been scored on this test set."


def test_the_best_of_several_gets_a_wider_interval(looks):
    looks(5)
    assert looks_in_words("pets", RESULTS) == (
        "5 models have been scored on this test set. Whoever takes the best of them, pets_cnn with "
        "90.00 %, has chosen on the test set; the 95 % interval that allows for it is 86.00 to "
        "92.95."
    )


def test_models_that_an_earlier_test_set_saw_do_not_count(workspace):
    looks = [Look("before", "pets_cnn", f"m{i}", "") for i in range(8)]
    looks += [Look("now", "pets_cnn", f"m{i}", "") for i in (7, 8)]
    looks += [Look("now", "pets_knn", "m9", "")]
    write_table(LEDGER / "pets.csv", Look._fields, looks)
    assert looks_in_words("pets", RESULTS).startswith(
        "8 and 3 models have been scored on the 2 test sets that these results may be of. Whoever"
    )
    for name, model in (("pets_cnn", "m7"), ("pets_knn", "m9")):
        written(CALIBRATION / f"{name}.json", json.dumps({"model": model}))
    assert looks_in_words("pets", RESULTS).startswith(
        "3 models have been scored on this test set. Whoever takes the best of them, pets_cnn with "
        "90.00 %, has chosen on the test set; the 95 % interval that allows for it is 86.32 to "
    )
