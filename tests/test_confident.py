"""Confident learning: an example of the paper's kind, properties, and labels that were spoiled."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.measures.confident import ranked, suspect, thresholds


def said(*rows):
    return np.array(rows, np.float32)


def spoiled(seed, n=2000, k=5, bad=100):
    """Return true labels, labels of which some are wrong, and probabilities that know better."""
    rng = np.random.default_rng(seed)
    true = rng.integers(k, size=n)
    given = true.copy()
    given[:bad] = (true[:bad] + rng.integers(1, k, bad)) % k
    powers = np.exp(rng.normal(size=(n, k)) + 3 * np.eye(k)[true])
    return true, given, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def test_a_class_has_the_threshold_that_is_usual_where_it_is_given():
    labels = np.array([0, 0, 1])
    probabilities = said([0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.4, 0.6, 0.0])
    assert thresholds(labels, probabilities).round(3).tolist() == [0.7, 0.6, 1.0]


def test_a_class_that_the_model_is_shy_about_is_suggested_at_its_own_threshold():
    labels = np.array([0, 0, 1, 1])
    probabilities = said([0.95, 0.05], [0.6, 0.4], [0.7, 0.3], [0.5, 0.5])
    found = suspect(labels, probabilities)
    assert found.suspicious.tolist() == [False, True, False, False]
    assert found.suggested[1] == 1


def test_most_spoiled_labels_are_found_and_the_worst_are_all_wrong():
    true, given, probabilities = spoiled(0)
    found = suspect(given, probabilities)
    wrong = given != true
    assert (found.suspicious & wrong).sum() > 0.6 * wrong.sum()
    assert (found.suspicious & wrong).sum() > 0.9 * found.suspicious.sum()
    worst = ranked(found, 30)
    assert wrong[worst].all()
    assert (found.suggested[worst] == true[worst]).mean() > 0.9


@given(st.integers(0, 1000), st.integers(0, 50))
def test_ranked_rows_are_suspicious_ordered_and_never_suggested_their_own_label(seed, most):
    _, given_labels, probabilities = spoiled(seed, n=60, bad=10)
    found = suspect(given_labels, probabilities)
    order = ranked(found, most)
    assert len(order) == min(most, found.suspicious.sum())
    assert found.suspicious[order].all()
    assert (np.diff(found.margin[order]) >= 0).all()
    assert (found.suggested != given_labels).all()
