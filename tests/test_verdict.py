"""Verdicts: what a person would conclude from the same numbers."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from tasks.params import Experiment
from tasks.report.history import accuracies, best_setting
from tasks.report.verdict import Verdict, judge
from tests.conftest import ROOT

Recipe = dict[str, Any]
History = list[dict[str, str]]


@pytest.fixture
def plain(own_params: dict[str, Any]) -> Recipe:
    """Return a network's recipe without augmentation, dropout or any other remedy."""
    recipe: Recipe = own_params["experiments"]["cats_vs_dogs_baseline"]
    return recipe


def network(
    recipe: Recipe, *, train: float, test: float, history: Sequence[dict[str, str]] = ()
) -> Verdict:
    metrics = {
        "accuracy": test,
        "accuracy_high": test + 0.01,
        "accuracy_low": test - 0.01,
        "gap": train - test,
        "train_accuracy": train,
        "val_accuracy": test + 0.003,
    }
    return judge(Experiment.model_validate(recipe), metrics, history)


def epochs(*val_losses: float, rate: float = 1.0, train: float = 0.9, val: float = 0.8) -> History:
    """Return a history whose learning rate falls to `rate` of its first value."""
    last = len(val_losses)
    return [
        {
            "epoch": str(epoch),
            "learning_rate": str(0.001 * (rate if epoch == last > 1 else 1.0)),
            "train_accuracy": str(train),
            "val_accuracy": str(val + 0.01 * (epoch == last)),
            "val_loss": str(loss),
        }
        for epoch, loss in enumerate(val_losses, start=1)
    ]


def test_a_convnet_is_judged_as_a_network_and_not_told_to_do_what_it_cannot(plain):
    recipes = yaml.safe_load((ROOT / "tests/benchmarks/convnet.yaml").read_text("utf-8"))
    recipe = recipes["experiments"]["digits_convnet"] | {"augment": {}}
    verdict = network(recipe, train=1.0, test=0.7, history=epochs(0.5, 0.9))
    assert verdict.headline == "Strong overfitting"
    assert verdict.advice == ["augmentation, for the same pictures come in every epoch"]


def test_a_perceptron_is_judged_as_a_network_and_not_told_to_do_what_it_cannot(
    own_params,
):
    recipe = own_params["experiments"]["mnist_quick"] | {"augment": {}}
    verdict = network(recipe, train=1.0, test=0.7, history=epochs(0.5, 0.9))
    assert verdict.headline == "Strong overfitting"
    assert verdict.advice == [
        "augmentation, for the same pictures come in every epoch",
        "weight decay",
    ]


# ---- how much -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "headline"),
    [
        (0.80, 0.81, "No overfitting to be seen"),
        (0.818, 0.81, "No overfitting to be seen"),
        (0.83, 0.81, "A little overfitting"),
        (0.91, 0.81, "Clear overfitting"),
        (1.00, 0.70, "Strong overfitting"),
    ],
)
def test_the_headline_grows_with_the_gap(plain, train, test, headline):
    assert network(plain, train=train, test=test).headline == headline


def test_a_gap_within_the_interval_is_called_chance(plain):
    verdict = network(plain, train=0.818, test=0.81)
    assert "no more than chance explains" in verdict.sentences[0]
    assert verdict.advice == []


def test_all_three_accuracies_and_their_gap_are_named(plain):
    said = network(plain, train=0.998, test=0.702).sentences[0]
    assert "99.8 % of its training pictures" in said
    assert "70.5 % of the validation pictures" in said
    assert "70.2 % of the test pictures: a gap of 29.6 points" in said


def test_the_gap_is_the_difference_of_the_numbers_that_are_shown(plain):
    said = network(plain, train=0.99949, test=0.9004).sentences[0]  # 99.949 - 90.04 = 9.909
    assert "99.9 %" in said
    assert "90.0 %" in said
    assert "a gap of 9.9 points" in said


def test_better_on_new_pictures_than_on_known_ones_is_no_gap(plain):
    assert "no harder for it than known ones" in network(plain, train=0.8, test=0.85).sentences[0]


# ---- since when -----------------------------------------------------------------------


def test_the_epoch_where_val_turned_is_named(plain):
    verdict = network(plain, train=1.0, test=0.7, history=epochs(0.7, 0.5, 0.6, 0.9))
    assert "turned after epoch 2 of 4: from 0.500 it rose to 0.900" in verdict.sentences[1]


def test_rising_val_accuracy_with_rising_val_loss_is_explained(plain):
    verdict = network(plain, train=1.0, test=0.7, history=epochs(0.5, 0.9))
    assert "still rose, from 80.0 % to 81.0 %" in verdict.sentences[1]
    assert "more confidence" in verdict.sentences[1]


def test_a_loss_that_wavers_has_not_turned(plain):
    verdict = network(plain, train=1.0, test=0.7, history=epochs(0.7, 0.500, 0.504))
    assert verdict.sentences[1] == (
        "Over 3 epochs the validation loss fell to 0.500, lowest at epoch 2."
    )


def test_later_epochs_do_no_harm_where_the_best_is_kept(plain):
    plain["train"]["keep"] = "best"
    verdict = network(plain, train=1.0, test=0.7, history=epochs(0.5, 0.9))
    assert verdict.sentences[1].endswith("The best epoch was kept, so the later ones did no harm.")
    assert not any("keep: best" in advice for advice in verdict.advice)


@pytest.mark.parametrize(("rate", "headline"), [(1.0, "Not finished"), (0.01, "No overfitting")])
def test_a_loss_that_still_falls_asks_for_more_epochs_while_the_rate_lasts(plain, rate, headline):
    verdict = network(plain, train=0.8, test=0.81, history=epochs(0.9, 0.6, 0.4, rate=rate))
    assert verdict.headline.startswith(headline)
    assert verdict.advice == (["more epochs"] if rate == 1 else [])


def test_a_training_curve_below_val_is_explained_by_what_the_recipe_does(plain, own_params):
    history = epochs(0.6, 0.5, train=0.7, val=0.8)
    assert len(network(plain, train=0.9, test=0.81, history=history).sentences) == 2
    harder = own_params["experiments"]["cats_vs_dogs_augmented"]
    said = network(harder, train=0.9, test=0.81, history=history).sentences[2]
    assert said.endswith("while the network learns, on augmented pictures and with dropout.")


# ---- what to try ----------------------------------------------------------------------


def test_advice_starts_with_what_helps_most(plain):
    verdict = network(plain, train=1.0, test=0.7, history=epochs(0.5, 0.9))
    assert [advice.split(",")[0] for advice in verdict.advice] == [
        "keeping the best epoch (keep: best)",
        "augmentation",
        "dropout",
    ]


def test_nothing_is_advised_that_the_recipe_does_already(own_params):
    best = own_params["experiments"]["cats_vs_dogs_best"]
    verdict = network(best, train=0.99, test=0.9, history=epochs(0.9, 0.5))
    assert verdict.advice == [
        "more training pictures",
        "stronger augmentation",
        "a smaller network",
    ]


# ---- nearest neighbours ---------------------------------------------------------------


def folds(**accuracies: list[float]) -> History:
    """Return the table of folds for settings such as `L1_3`."""
    return [
        {
            "metric": setting[:2],
            "k": setting[3:],
            "fold": str(fold),
            "accuracy": str(accuracy),
        }
        for setting, values in accuracies.items()
        for fold, accuracy in enumerate(values, start=1)
    ]


@pytest.fixture
def neighbours(own_params: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(own_params["experiments"]["digits_knn"])


def scored(test: float, promised: float) -> dict[str, float]:
    return {"accuracy": test, "accuracy_high": test + 0.01, "val_accuracy": promised}


def test_a_promise_that_test_keeps_is_no_overfitting(neighbours):
    history = folds(L1_1=[0.8, 0.82], L2_1=[0.9, 0.92], L2_3=[0.7, 0.8])
    verdict = judge(neighbours, scored(0.92, 0.91), history)
    assert verdict.headline == "The choice holds on new pictures"
    assert "L2 with k = 1 among 3 settings" in verdict.sentences[1]
    assert "promised 91.0 %, the test set gave 92.0 %." in verdict.sentences[1]


def test_a_promise_broken_by_chance_is_called_so(neighbours):
    history = folds(L1_1=[0.8, 0.9], L2_1=[0.88, 0.94])
    verdict = judge(neighbours, scored(0.88, 0.91), history)
    assert verdict.headline == "The choice holds on new pictures"
    assert verdict.sentences[1].endswith("a difference that chance explains.")


def test_a_promise_that_test_breaks_is_called_flattery(neighbours):
    history = folds(L1_1=[0.8, 0.8], L2_1=[0.91, 0.91])
    verdict = judge(neighbours, scored(0.85, 0.91), history)
    assert verdict.headline == "The choice flattered itself"
    assert verdict.advice


def test_a_given_setting_cannot_overfit(neighbours):
    verdict = judge(neighbours, scored(0.35, 0.36), folds(L2_1=[0.35, 0.37]))
    assert verdict.headline == "Nothing to overfit"


def test_the_smaller_k_wins_a_tie():
    history = folds(L1_5=[0.9, 0.9], L1_3=[0.9, 0.9], L2_1=[0.8, 0.9])
    assert best_setting(accuracies(history)) == ("L1", "3")
