"""The card of one model: what it is for, how good it is, on what, and where it comes from.

The sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting"
(https://doi.org/10.1145/3287560.3287596). The header is what model hubs read: a list of
results (`model-index`), so that they can show accuracy beside the name.
"""

from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.params import Experiment, Network, Params
from tasks.report.composition import read_composition
from tasks.report.looks import looks_in_words
from tasks.report.page import HERE, plain
from tasks.report.provenance import read_provenance
from tasks.report.results import Result, read_results
from tasks.report.sections import NUMBERS
from tasks.report.seeds import seeds_in_words
from tasks.report.tables import rows_of
from tasks.report.verdict import judge
from tasks.report.wording import listed, percent
from tasks.stage import PLOTS, StageError

MIB = 2**20


def card(params: Params, name: str) -> str:
    """Return the card of an experiment's model as Markdown.

    Raises:
        StageError: if there is no such experiment, or it was not trained and scored.
    """
    experiment = params.experiment(name)
    results = read_results(params)
    result = next(r for r in results if r.name == name)
    data = read_composition(experiment.dataset)
    if result.metrics is None or data is None:
        raise StageError(
            f"'{name}' was not scored: expected 'data/metrics/{name}.json' and the split of "
            f"'{experiment.dataset}'. Run dvc repro evaluate@{name}"
        )
    provenance = read_provenance(name, experiment.dataset)
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, autoescape=False
    )
    environment.filters |= {"plain": plain, "listed": listed}
    return environment.get_template("card.md.j2").render(
        name=name,
        title=experiment.title,
        kind=kind(experiment),
        size=f"{provenance.size / MIB:.1f} MiB",
        dataset=params.datasets[experiment.dataset].title,
        prepare=params.datasets[experiment.dataset].prepare,
        classes=[label for label, _ in data.rows],
        data=data,
        metrics=result.metrics,
        numbers=numbers(result.metrics),
        per_class=per_class(result.metrics, [label for label, _ in data.rows]),
        seeds=seeds_in_words(result.metrics),
        looks=looks_in_words(
            experiment.dataset, [r for r in results if r.dataset == experiment.dataset]
        ),
        verdict=judge(experiment, result.metrics, rows_of(PLOTS / name / "history.csv")),
        provenance=provenance,
        packages=listed(
            [f"{k} {v}" for k, v in (provenance.verified or {}).get("packages", {}).items()]
        ),
        params=yaml.safe_dump(provenance.params, sort_keys=False, allow_unicode=True).strip(),
        header=header(result, params.datasets[experiment.dataset].title),
    )


def kind(experiment: Experiment) -> str:
    """Say what sort of model it is."""
    if isinstance(experiment.train, Network):
        return f"A neural network ({experiment.train.architecture.name}), trained from nothing"
    return f"A model of the family '{experiment.train.model}'"


def numbers(metrics: dict[str, float]) -> list[tuple[str, str]]:
    """Return what was measured on all test images, in words and digits."""
    low, high = metrics["accuracy_low"], metrics["accuracy_high"]
    interval = f"{percent(metrics['accuracy'], 2)} (95 %: {100 * low:.2f} to {100 * high:.2f})"
    others = [(words, say(metrics[key])) for key, (words, say) in NUMBERS.items() if key in metrics]
    return [("accuracy on the test images", interval), *others]


def per_class(metrics: dict[str, float], classes: list[str]) -> list[tuple[str, str, str]]:
    """Return recall and precision of each class; a dash where no image allows one."""

    def share(key: str) -> str:
        return percent(metrics[key]) if key in metrics else "-"

    return [(label, share(f"recall.{label}"), share(f"precision.{label}")) for label in classes]


def header(result: Result, dataset: str) -> str:
    """Return what model hubs read, as YAML."""
    metrics = result.metrics or {}
    told: dict[str, Any] = {
        "pipeline_tag": "image-classification",
        "library_name": "assay",
        "model-index": [
            {
                "name": result.name,
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {"name": dataset, "type": result.dataset, "split": "test"},
                        "metrics": [
                            {"type": key, "value": metrics[key]}
                            for key in ("accuracy", "macro_f1", "log_loss")
                        ],
                    }
                ],
            }
        ],
    }
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True).strip()
