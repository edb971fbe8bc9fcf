"""What the report says of a model that may be unsure: how often it is, and whether that helps."""

from collections.abc import Iterable, Mapping

from tasks.report.results import Result, row
from tasks.report.wording import percent

HEADINGS = (
    "Experiment",
    "ECE",
    "calibrated",
    "log loss",
    "calibrated",
    "covered",
    "sure of",
    "set",
)


def confidence_in_words(metrics: Mapping[str, float]) -> str:
    """Say how often one class was enough, and whether the sets hold what was asked for.

    Args:
        metrics: as `evaluate` wrote them; an older file says nothing of sets.
    """
    if "coverage" not in metrics:
        return ""
    asked, covered, sure = (metrics[key] for key in ("coverage_asked", "coverage", "sure"))
    held = f"Its answers held the right class {percent(covered)} of the time"
    if sure == 1:
        promised = f"To be right {percent(asked, 0)} of the time it need never be unsure"
        return f"{promised}: it names one class for every test picture. {told_apart(held, metrics)}"
    classes = (metrics["mean_set_size"] - sure) / (1 - sure)
    if sure == 0:
        named = f"it is unsure of every test picture and names {classes:.1f} classes on average"
    else:
        named = (
            f"it is sure of one class for {percent(sure)} of the test pictures, and right "
            f"{percent(metrics['sure_accuracy'])} of these; for the others it is not sure and "
            f"names {classes:.1f} classes on average"
        )
    return (
        f"Asked to be right {percent(asked, 0)} of the time, {named}. {told_apart(held, metrics)}"
    )


def told_apart(held: str, metrics: Mapping[str, float]) -> str:
    """Say whether fewer were covered than were asked for, by more than chance."""
    covered, least = metrics["coverage"], metrics["coverage_by_chance"]
    if covered >= metrics["coverage_asked"]:
        return f"{held}."
    if covered >= least:
        return f"{held}, no less than chance explains (down to {percent(least)})."
    return (
        f"{held}, less than chance explains (down to {percent(least)}): the test pictures do not "
        "come as the validation pictures came, so do not rely on these sets."
    )


def confidence_table(results: Iterable[Result]) -> str:
    """Return what calibration is worth for each experiment, as Markdown."""
    lines = [row(HEADINGS), f"|---|{'--:|' * (len(HEADINGS) - 1)}"]
    lines += [
        row((f"`{r.name}`", *cells(r.metrics))) for r in results if "coverage" in (r.metrics or {})
    ]
    return "\n".join(lines) + "\n"


def cells(metrics: Mapping[str, float] | None) -> Iterable[str]:
    """Return calibration error and log loss before and after, coverage, share of the sure, size."""
    known = metrics or {}
    for name in ("expected_calibration_error", "expected_calibration_error_calibrated"):
        yield percent(known[name])
    for name in ("log_loss", "log_loss_calibrated"):
        yield f"{known[name]:.3f}"
    yield percent(known["coverage"])
    yield percent(known["sure"])
    yield f"{known['mean_set_size']:.2f}"
