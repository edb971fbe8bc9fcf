"""What the report says of several seeds of one recipe."""

from collections.abc import Iterable, Mapping

from tasks.measures.spread import Spread
from tasks.report.results import Result, row
from tasks.report.wording import percent

HEADINGS = ("Experiment", "Each seed", "Mean", "95 % interval of the mean")


def seeds_in_words(metrics: Mapping[str, float]) -> str:
    """Say how far seeds lie apart, and where the mean of many would be; empty for one seed."""
    spread = Spread.read(metrics)
    if spread is None:
        return ""
    low, high = spread.interval()
    return (
        f"Trained with {spread.n} seeds, it gets {percent(spread.mean, 2)} on average, with a "
        f"standard deviation of {100 * spread.deviation:.2f} points. The mean of many seeds would "
        f"be {100 * low:.2f} to {100 * high:.2f} % on these test images (95 %, Student's t). The "
        "numbers here are those of the first seed."
    )


def seeds_table(results: Iterable[Result]) -> str:
    """Return the accuracies of the experiments with several seeds, and their means, as Markdown."""
    lines = [row(HEADINGS), "|---|---|--:|--:|"]
    for result in results:
        metrics = result.metrics or {}
        if spread := Spread.read(metrics):
            each = (percent(accuracy, 2) for accuracy in of_each_seed(metrics))
            low, high = spread.interval()
            interval = f"{100 * low:.2f} to {100 * high:.2f}"
            name = f"`{result.name}`"
            lines.append(row((name, ", ".join(each), percent(spread.mean, 2), interval)))
    return "\n".join(lines) + "\n"


def of_each_seed(metrics: Mapping[str, float]) -> list[float]:
    """Return the accuracies of the seeds that were scored, seeds ascending."""
    prefix = "accuracy_of_seed."
    seeds = sorted(int(key.removeprefix(prefix)) for key in metrics if key.startswith(prefix))
    return [metrics[f"{prefix}{seed}"] for seed in seeds]
