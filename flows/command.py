"""The command line of the flow: `python -m flows.retrain`."""

import argparse
import signal
import sys
from collections.abc import Callable
from typing import Any

from flows.commits import last_results
from flows.delivery import Delivery
from flows.graph import select
from flows.overrides import with_overrides
from flows.processes import Outcome
from flows.stages import changed, read_graph
from flows.submission import WORKERS
from flows.summary import show_results, show_stages
from tasks.params import PARAMS
from tasks.stage import StageError, errors_in_one_line
from tasks.stage.locks import RUN, held

Flow = Callable[..., Any]


def main(flow: Flow) -> int:
    """Retrain from the command line; return the exit status."""
    asked = vars(parse())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with errors_in_one_line():
        told = nothing_changed(**asked)
        if told is None:
            check(**asked)
            told = run(flow, **asked)
        show_results()
        print(f"{told[0].upper()}{told[1:]}.")
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line into the parameters of the flow."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.retrain",
        description=sys.modules["__main__"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("experiments", nargs="*", metavar="EXPERIMENT", help="a name of params.yaml (default: all)")
    add(
        "--set",
        action="append",
        dest="overrides",
        default=[],
        metavar="KEY=VALUE",
        help="a value to set in params.yaml first, such as experiments.mnist_mlp.train.epochs=3",
    )
    add("--force", action="store_true", help="run also what did not change")
    add("--push", action="store_true", help="then push to DVC's default remote")
    add("--commit", action="store_true", help="then commit on a new branch retrain/DATE")
    add("--promote", action="store_true", help="then put models into production that pass")
    add("--wait", action="store_true", help="wait for another run in this folder to end")
    add(
        "--workers",
        type=int,
        default=WORKERS,
        metavar="N",
        help="how many stages may run side by side (default: %(default)s)",
    )
    return parser.parse_args()


def nothing_changed(experiments: list[str], wait: bool, **more: object) -> str | None:
    """Say so if all is up to date and no more is asked for; then no server need start."""
    if any(value for name, value in more.items() if name != "workers"):
        return None
    with held(RUN, "python -m flows.retrain", wait=wait):
        graph = select(read_graph(), experiments)
        if changed(graph):
            return None
        show_stages(dict.fromkeys(graph, Outcome("unchanged")))
        return f"nothing changed since {last_results()}"


def check(
    overrides: list[str],
    push: bool,
    commit: bool,
    promote: bool,
    experiments: list[str],
    **_: object,
) -> None:
    """Check what the flow will check, before a server starts for many seconds.

    Raises:
        StageError: if an override is wrong, or the results could not be delivered.
    """
    Delivery(push, commit, tuple(experiments or ["all"]) if promote else ()).check()
    if overrides:
        with_overrides(PARAMS.read_text("utf-8"), overrides)


def run(flow: Flow, **asked: object) -> str:
    """Run the flow, with a server of its own unless the settings name one.

    Raises:
        StageError: if it fails; with its message.
    """
    from flows.server import ensure_server  # seconds, so not for --help

    ensure_server()
    state = flow(**asked, return_state=True)
    if not state.is_completed():
        raise StageError(str(state.message))
    return str(state.message)
