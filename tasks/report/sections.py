"""One experiment as the page shows it: verdict, numbers, figures and pictures."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from tasks.measures.figures import draw
from tasks.params import Experiment
from tasks.report import captions, pictures
from tasks.report.confidence import confidence_in_words
from tasks.report.pictures import Picture
from tasks.report.results import Result
from tasks.report.seeds import seeds_in_words
from tasks.report.tables import Row, rows_of
from tasks.report.verdict import Verdict, augmented, judge
from tasks.report.wording import percent
from tasks.stage import PLOTS

Caption = Callable[[Sequence[Row]], str]

PANELS: dict[str, tuple[str, Caption]] = {  # heading and caption of each figure
    "history_convnet": ("Learning", captions.history_network),
    "history_network": ("Learning", captions.history_network),
    "history_neighbours": ("Choosing k", captions.history_neighbours),
    "history_perceptron": ("Learning", captions.history_network),
    "confusion": ("Confusion", captions.confusion),
    "calibration": ("Calibration", captions.calibration),
    "classes": ("Classes", captions.classes),
}
ENLARGED = 1.18  # of drawings, where the screen is wide enough
NUMBERS = {  # what is listed beside the accuracy, where it was measured
    "balanced_accuracy": ("balanced accuracy", percent),
    "macro_f1": ("macro F1", "{:.3f}".format),
    "log_loss": ("log loss", "{:.3f}".format),
    "log_loss_calibrated": ("log loss, calibrated", "{:.3f}".format),
    "expected_calibration_error": ("calibration error", percent),
    "expected_calibration_error_calibrated": ("calibration error, calibrated", percent),
    "val_accuracy": ("validation accuracy", percent),
    "train_accuracy": ("training accuracy", percent),
}


@dataclass(frozen=True)
class Figure:
    """A drawing with its heading and the sentence that says what it shows."""

    heading: str
    caption: str
    svg: str

    @property
    def width(self) -> int:
        """Return the width at which letters in all drawings have one size, in pixels."""
        natural = re.search(r'width="(\d+)', self.svg)
        return round(ENLARGED * int(natural[1])) if natural else 0


@dataclass(frozen=True)
class Section:
    """One scored experiment.

    Attributes:
        seeds: what is to be said of further seeds; empty if there are none.
        confidence: how often it is not sure, in words; may be empty.
        altered: whether augmentation changes the training pictures.
        params: what params.yaml says of it, as YAML.
        missing: what could not be shown because its file is not here.
    """

    result: Result
    verdict: Verdict
    numbers: list[tuple[str, str]]
    seeds: str
    confidence: str
    figures: list[Figure]
    sheet: Picture | None
    altered: bool
    params: str
    mistakes: list[Picture]
    neighbours: list[list[Picture]]
    lesson: list[Picture]
    missing: list[str]


def read_section(result: Result, experiment: Experiment) -> Section:
    """Gather what the page shows of one scored experiment."""
    name, metrics = result.name, result.metrics or {}
    history = rows_of(PLOTS / name / "history.csv")
    figures = read_figures(name, experiment.train.model)
    sheet = pictures.contact_sheet(name)
    return Section(
        result=result,
        verdict=judge(experiment, metrics, history),
        numbers=[(words, say(metrics[k])) for k, (words, say) in NUMBERS.items() if k in metrics],
        seeds=seeds_in_words(metrics),
        confidence=confidence_in_words(metrics),
        figures=[figure for figure in figures.values() if figure],
        sheet=sheet,
        altered=augmented(experiment.augment),
        params=params_as_yaml(experiment),
        mistakes=pictures.mistakes(name),
        neighbours=pictures.neighbours(name),
        lesson=pictures.lesson(name),
        missing=missing(name, figures, sheet),
    )


def params_as_yaml(experiment: Experiment) -> str:
    """Return what makes the model of an experiment."""
    given = experiment.model_dump(mode="json", include={"augment", "train"}, exclude_unset=True)
    return yaml.safe_dump(given, sort_keys=False, allow_unicode=True).strip()


def read_figures(name: str, model: str) -> dict[str, Figure | None]:
    """Return the figures of one experiment by heading, None where there are no rows."""
    files = {f"history_{model}": "history", "confusion": "confusion"}
    files |= {"calibration": "calibration", "classes": "classes"}
    return {
        PANELS[template][0]: figure(template, rows_of(PLOTS / name / f"{file}.csv"))
        for template, file in files.items()
    }


def figure(template: str, rows: list[Row]) -> Figure | None:
    """Draw one figure."""
    if not rows:
        return None
    heading, caption = PANELS[template]
    return Figure(heading, caption(rows), draw(template, rows))


def missing(name: str, figures: Mapping[str, Figure | None], sheet: Picture | None) -> list[str]:
    """Name what a clone without DVC's cache lacks."""
    lacking = [heading.lower() for heading, figure in figures.items() if figure is None]
    if sheet is None:
        lacking.append("contact sheet")
    if not (PLOTS / name / "pictures").is_dir():
        lacking.append("pictures of mistakes and neighbours")
    return lacking
