"""What a run publishes for Prefect's UI, in the run and in the task that it comes from."""

from collections.abc import Mapping

from prefect.artifacts import create_markdown_artifact

from flows.changes import read_changes
from flows.courtesy import courtesy
from flows.markdown import Page
from flows.processes import Outcome
from tasks.params import load_params
from tasks.report.results import read_results
from tasks.stage import METRICS


def publish_stage(address: str, outcome: Outcome) -> None:
    """Publish, in the task of a stage, what it has to show, if it made anything."""
    if outcome.ending in {"ran", "restored"}:
        from flows.pictures import page_of  # seconds, so not for a run with nothing to show

        with courtesy(f"what {address} shows"):
            publish(page_of(address))


def publish_run(outcomes: Mapping[str, Outcome]) -> None:
    """Publish what ran, the results, and what changed since the last commit.

    A run in which every stage is unchanged publishes nothing.
    """
    if all(outcome.ending == "unchanged" for outcome in outcomes.values()):
        return
    from flows import pages  # seconds, likewise

    with courtesy("what ran"):
        publish(pages.stages_page(outcomes))
    with courtesy("the results"):
        changes = read_changes()
        if METRICS.exists():
            publish(pages.results_page(read_results(load_params()), changes))
        publish(pages.changes_page(changes) if changes else None)


def publish(page: Page | None) -> None:
    """Make a page an artifact; its key tells the editions of one page."""
    if page:
        create_markdown_artifact(page.text, key=page.key, description=page.summary)
