"""The gates before promotion: what passes, what does not, and what they say."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.measures.ledger import Look
from tasks.measures.metrics import score
from tasks.params import Looks, Promote
from tasks.registry.gates import (
    CHECKS,
    checked,
    looked_at_fairly,
    no_collapse,
    not_worse,
    quick_enough,
    size_of,
    small_enough,
)
from tasks.report.looks import looks_in_words
from tasks.report.results import Result
from tasks.review.predictions import Match
from tasks.stage import CALIBRATION, LEDGER, written
from tasks.stage.tables import write_table

LIMITS = Promote(margin=0.01, class_margin=0.1, size_mib=1, latency_ms=20)


def images(was, now, labels=None):
    """Return test images, by whether the models in use and after it get them right."""
    labels = labels if labels is not None else ["a"] * len(was)
    said = {"was": was, "now": now}
    columns = {
        who: [label if right else "-" for label, right in zip(labels, rights, strict=True)]
        for who, rights in said.items()
    }
    return pd.DataFrame({"label": labels, **columns, "p_was": 0.9, "p_now": 0.8})


def match(was, now, left_out=0):
    """Return what `images` returns, of test sets that do not share so many."""
    return Match(images(was, now), [], left_out)


def agreeing(n, left_out=0):
    """Return images of which two models say the same, and as surely."""
    rights = np.arange(n) > 0
    return Match(images(rights, rights).assign(p_now=0.9), [], left_out)


@pytest.mark.parametrize(
    ("gained", "lost", "passed", "said"),
    [
        (0, 0, True, "+0.00 points on 2,000 test images, 95 % interval -0.1"),
        (30, 10, True, "worse by less than 1.00 points"),
        (10, 14, True, "-0.20 points on 2,000 test images, 95 % interval -0.7"),
        (10, 30, False, "it may be worse by 1.00 points or more"),
        (0, 80, False, "it is worse by 1.00 points or more"),
    ],
)
def test_a_model_must_not_be_worse_by_the_margin(gained, lost, passed, said):
    was = np.arange(2000) >= gained
    now = np.arange(2000) < 2000 - lost
    gate = not_worse(match(was, now), LIMITS)
    assert gate.passed is passed
    assert said in gate.reason


def test_few_images_do_not_make_a_model_good_enough():
    was = np.ones(50, bool)
    now = np.arange(50) >= 2
    assert not not_worse(match(was, now), LIMITS).passed


@pytest.mark.parametrize("n", [1, 5, 50])
def test_few_images_without_a_difference_do_not_make_a_model_good_enough_either(n):
    gate = not_worse(match(np.ones(n, bool), np.ones(n, bool)), LIMITS)
    assert not gate.passed
    assert gate.reason.endswith("it may be worse by 1.00 points or more")


@pytest.mark.parametrize("n", [1, 5, 50])
def test_a_model_that_says_the_same_of_the_whole_test_set_is_the_one_in_use(n):
    gate = not_worse(agreeing(n), LIMITS)
    assert gate.passed
    assert gate.reason.startswith(f"it says the same of {n} test image")
    assert not not_worse(agreeing(n, left_out=1), LIMITS).passed


def test_other_mistakes_are_not_the_same_answers():
    other = agreeing(5)
    other.images.loc[0, "now"] = "neither"
    assert not not_worse(other, LIMITS).passed


def test_a_model_that_is_worse_by_the_margin_seldom_passes():
    rng = np.random.default_rng(0)
    draws, passed = 200, 0
    for _ in range(draws):
        chance = rng.random(2000)
        was, now = chance >= 0.06, (chance < 0.05) | (chance >= 0.12)  # 0.94 and 0.93
        passed += not_worse(match(was, now), LIMITS).passed
    assert passed / draws <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / draws)


@settings(max_examples=25)
@given(st.integers(0, 60), st.integers(0, 60))
def test_a_wider_margin_never_refuses_what_a_narrow_one_lets_pass(gained, lost):
    table = match(np.arange(500) >= gained, np.arange(500) < 500 - lost)
    passed = [
        not_worse(table, LIMITS.model_copy(update={"margin": margin})).passed
        for margin in (0.001, 0.01, 0.05, 0.5)
    ]
    assert passed == sorted(passed)


def test_the_first_model_is_compared_with_none():
    assert not_worse(None, LIMITS).passed
    assert no_collapse(None, {"recall.a": 0.4, "recall.b": 0.9}, LIMITS).passed


def test_a_class_that_is_never_recognised_has_collapsed():
    gate = no_collapse(None, {"recall.a": 0.9, "recall.b": 0.0}, LIMITS)
    assert not gate.passed
    assert gate.reason == "never recognised: b"


def test_a_class_without_test_images_is_named_and_stands_in_nobody_s_way():
    metrics = score(np.array([0, 1]), np.eye(3, dtype=np.float32)[:2], ["cat", "dog", "fox"], 10)
    gate = no_collapse(None, metrics, LIMITS)
    assert gate.passed
    assert gate.reason == "every class is recognised; no test image of fox"
    compared = no_collapse(images([True, True], [True, True], ["cat", "dog"]), metrics, LIMITS)
    assert compared.passed
    assert compared.reason == "largest loss of recall: none; no test image of fox"


def test_without_any_recall_nobody_knows_whether_a_class_collapsed():
    for metrics in ({}, {"accuracy": 0.9, "precision.a": 0.9}):
        gate = no_collapse(None, metrics, LIMITS)
        assert not gate.passed
        assert gate.reason == "the commit has no metric recall.CLASS of it"


def test_a_class_that_loses_more_than_its_margin_has_collapsed():
    labels = ["a"] * 80 + ["b"] * 20
    was, recall = np.ones(100, bool), {"recall.a": 0.9, "recall.b": 0.9}
    gates = {
        lost: no_collapse(images(was, np.arange(100) < 100 - lost, labels), recall, LIMITS)
        for lost in (0, 2, 3)
    }
    assert [gate.passed for gate in gates.values()] == [True, True, False]
    assert gates[0].reason == "largest loss of recall: none"
    assert gates[2].reason == "largest loss of recall: b by 10.00 points"
    assert gates[3].reason == "recall fell: b by 15.00 points"


def test_a_model_that_no_line_of_the_ledger_knows_is_refused(workspace):
    gate = looked_at_fairly("pets", "pets_cnn", "m1", Looks(warn=2, most=9))
    assert not gate.passed
    assert gate.reason == "no look of model m1 at the test set is written down"


def test_a_test_set_that_was_looked_at_too_often_promotes_nothing(workspace):
    for n, passed in ((2, True), (3, False)):
        looks = [Look("t", "pets_cnn", f"m{i}", "") for i in range(n)]
        looks += [Look("another test set", "pets_cnn", "m7", "")]
        write_table(LEDGER / "pets.csv", Look._fields, looks)
        gate = looked_at_fairly("pets", "pets_cnn", "m1", Looks(warn=2, most=9))
        assert gate.passed is passed
        assert gate.reason == f"{n} models scored on this test set, up to 2 are no concern"


def test_the_report_and_the_gate_count_the_same_models(workspace):
    looks = [Look("t", "pets_cnn", f"m{i}", "") for i in range(4)]
    looks += [Look("another test set", "pets_cnn", f"m{i}", "") for i in range(4, 12)]
    write_table(LEDGER / "pets.csv", Look._fields, looks)
    written(CALIBRATION / "pets_cnn.json", json.dumps({"model": "m1"}))
    gate = looked_at_fairly("pets", "pets_cnn", "m1", Looks(warn=5, most=9))
    assert gate.reason.startswith("4 models scored on this test set")
    result = Result("pets_cnn", "Network", "pets", None, {"accuracy": 0.9, "n": 500})
    assert looks_in_words("pets", [result]).startswith("4 models have been scored on this test set")


def test_data_that_were_not_checked_or_are_not_clean_promote_nothing(workspace):
    assert "the data were not checked" in checked("pets").reason
    assert not checked("pets").passed
    for verdict, passed in (
        ("leaks", False),
        ("refused", False),
        ("dropped", True),
        ("clean", True),
    ):
        written(CHECKS / "pets.json", json.dumps({"verdict": verdict, "leaked_test_images": 1}))
        assert checked("pets").passed is passed
    assert checked("pets").reason == "pets: clean, 1 test image with a copy in another split"


def test_a_model_may_be_too_large_or_too_slow(workspace):
    folder = workspace.root / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(2**19))
    assert size_of(folder) == 0.5
    assert small_enough(0.5, LIMITS).passed
    assert not small_enough(1.5, LIMITS).passed
    assert quick_enough(12.3, LIMITS) == ("latency", True, "12 ms for one picture of 20 allowed")
    assert not quick_enough(21, LIMITS).passed
