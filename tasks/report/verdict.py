"""Say in plain words whether a model overfits, since when, and what to try.

Overfitting shows as a gap: the training pictures are recognised, new ones are not. A gap that
is smaller than the uncertainty of the test accuracy is no evidence. When the validation loss
turns up while the training loss falls on, the network has begun to learn its pictures by heart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import stdev

from tasks.params import Augment, Experiment, Neighbours
from tasks.report.history import Course, accuracies, best_setting, read_course
from tasks.report.remedies import Remedies, remedies
from tasks.report.tables import Row
from tasks.report.wording import listed, percent, points

DEGREES = (  # the gap, as a share, up to which a headline holds
    (0.01, "Hardly any overfitting"),
    (0.05, "A little overfitting"),
    (0.15, "Clear overfitting"),
    (1.0, "Strong overfitting"),
)
SUGGESTIONS = 3

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """What a person would say about one model.

    Attributes:
        headline: a few words.
        sentences: why, with the numbers.
        advice: what to try, most promising first; empty if there is nothing to mend.
    """

    headline: str
    sentences: list[str]
    advice: list[str]


def judge(experiment: Experiment, metrics: Metrics, history: Sequence[Row]) -> Verdict:
    """Return the verdict on one scored experiment.

    Args:
        experiment: its recipe; advice is only what the recipe does not do yet.
        metrics: as `evaluate` wrote them.
        history: rows of `history.csv`; may be empty.
    """
    if isinstance(experiment.train, Neighbours):
        return judge_neighbours(metrics, history)
    done, course = remedies(experiment.train), read_course(history)
    return judge_network(done, experiment.augment, metrics, course)


# ---- networks -------------------------------------------------------------------------


def judge_network(
    done: Remedies, augment: Augment, metrics: Metrics, course: Course | None
) -> Verdict:
    """Judge by the gap between train and test, and by the course of the validation loss."""
    sentences = [describe_gap(metrics)]
    if course:
        sentences += [describe_course(course, done), *explain_crossing(course, done, augment)]
    if by_chance(metrics):
        if course and course.unfinished:
            return Verdict("Not finished learning", sentences, ["more epochs"])
        return Verdict("No overfitting to be seen", sentences, [])
    headline = next(words for limit, words in DEGREES if metrics["gap"] <= limit)
    advice = suggest(done, augment, course) if metrics["gap"] > DEGREES[0][0] else []
    return Verdict(headline, sentences, advice)


def by_chance(metrics: Metrics) -> bool:
    """Tell whether the gap may be the chance of which pictures are in the test set."""
    return metrics["gap"] <= metrics["accuracy_high"] - metrics["accuracy"]


def describe_gap(metrics: Metrics) -> str:
    """State the three accuracies and their gap."""
    train, test = metrics["train_accuracy"], metrics["accuracy"]
    seen = (
        f"It gets {percent(train)} of its training pictures right, "
        f"{percent(metrics['val_accuracy'])} of the validation pictures "
        f"and {percent(test)} of the test pictures"
    )
    if train <= test:
        return f"{seen}: new pictures are no harder for it than known ones."
    chance = ", no more than chance explains" if by_chance(metrics) else ""
    return f"{seen}: a gap of {points(train, test)} between known and new{chance}."


def describe_course(course: Course, done: Remedies) -> str:
    """Tell when the validation loss was lowest, and whether it turned."""
    if not course.turned:
        at = "" if course.epoch == course.epochs else f", lowest at epoch {course.epoch}"
        return f"Over {course.epochs} epochs the validation loss fell to {course.lowest:.3f}{at}."
    text = (
        f"The validation loss turned after epoch {course.epoch} of {course.epochs}: from "
        f"{course.lowest:.3f} it rose to {course.final:.3f}, while the network went on to learn "
        "its training pictures by heart."
    )
    if course.accuracy_final > course.accuracy_then:
        text += (
            f" Its validation accuracy still rose, from {percent(course.accuracy_then)} to "
            f"{percent(course.accuracy_final)}: it makes no more mistakes than before, but makes "
            "them with more confidence."
        )
    if done.best_epoch:
        text += " The best epoch was kept, so the later ones did no harm."
    return text


def explain_crossing(course: Course, done: Remedies, augment: Augment) -> list[str]:
    """Explain a training curve below the validation curve, where the recipe causes it."""
    causes = [
        (augmented(augment), "on augmented pictures"),
        (done.mixing, "on mixed pictures"),
        (done.dropout, "with dropout"),
    ]
    found = [words for present, words in causes if present]
    if course.train_final >= course.accuracy_final or not found:
        return []
    return [
        "That the training curve ends below the validation curve is no error: it is measured "
        f"while the network learns, {listed(found)}."
    ]


def suggest(done: Remedies, augment: Augment, course: Course | None) -> list[str]:
    """Return what usually helps and is not in the recipe."""
    turned = course is not None and course.turned
    options = [
        (turned and done.best_epoch is False, "keeping the best epoch (keep: best)"),
        (not augmented(augment), "augmentation, for the same pictures come in every epoch"),
        (done.dropout is False, "dropout"),
        (not done.weight_decay, "weight decay"),
        (not done.label_smoothing, "label smoothing"),
    ]
    wanted = [words for missing, words in options if missing][:SUGGESTIONS]
    return wanted or ["more training pictures", "stronger augmentation", "a smaller network"]


def augmented(augment: Augment) -> bool:
    """Tell whether the recipe changes its training pictures at all."""
    return augment != Augment(border=augment.border)


# ---- nearest neighbours ---------------------------------------------------------------


def judge_neighbours(metrics: Metrics, history: Sequence[Row]) -> Verdict:
    """Judge the choice of k and metric: what cross-validation promised against test."""
    kept = "This model keeps its training pictures, so how well it knows them says nothing."
    settings = accuracies(history)
    if len(settings) < 2:
        given = "Metric and k were given, so there was no choice that could overfit."
        return Verdict("Nothing to overfit", [kept, given], [])
    promised, test = metrics["val_accuracy"], metrics["accuracy"]
    metric, k = best_setting(settings)
    choice = (
        f"What could overfit is the choice of {metric} with k = {k} among {len(settings)} "
        f"settings: cross-validation on train promised {percent(promised)}, the test set gave "
        f"{percent(test)}"
    )
    if promised <= test:
        return Verdict("The choice holds on new pictures", [kept, f"{choice}."], [])
    if promised - test <= hypot(metrics["accuracy_high"] - test, spread(settings[metric, k])):
        chance = f"{choice}, a difference that chance explains."
        return Verdict("The choice holds on new pictures", [kept, chance], [])
    flattered = "The best of many settings looks better than it is."
    advice = ["more folds", "fewer settings to choose from"]
    return Verdict("The choice flattered itself", [kept, f"{choice}.", flattered], advice)


def spread(folds: Sequence[float]) -> float:
    """Return half the 95 % interval of a mean over folds, by their own spread."""
    return 1.96 * stdev(folds) / sqrt(len(folds))
