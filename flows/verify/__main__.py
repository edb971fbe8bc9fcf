"""Retrain experiments in a clean clone of HEAD, and compare every output byte for byte.

    python -m flows.verify digits_cnn

Raw data comes from DVC's cache, or from where `download` finds it; all else is made anew, with
an empty cache. If something differs, the first stage, file, epoch and layer that do are named.
What was found becomes data/verified/EXPERIMENT.json, for git. The exit status is 0 if every
output is identical, 3 if one is not, 1 if it cannot be told.
"""

import argparse
import signal
import sys

from flows.verify.clone import head
from flows.verify.retraining import retrain_and_compare
from tasks.stage import errors_in_one_line

DIFFERENT = 3  # exit status


def main() -> int:
    """Verify what the command line names; return the exit status."""
    experiments = parse().experiments
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    verdicts = []
    with errors_in_one_line():
        commit = head()
        for experiment in experiments:
            verdict = retrain_and_compare(experiment, commit, say)
            path = verdict.write()
            verdicts.append(verdict)
            print(f"{verdict.in_one_line()} Written to {path}.", flush=True)
    return 0 if all(verdict.identical for verdict in verdicts) else DIFFERENT


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "experiments", nargs="+", metavar="EXPERIMENT", help="a name of params.yaml"
    )
    return parser.parse_args()


def say(address: str, line: str) -> None:
    """Print a line about a stage."""
    print(f"{address}: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
