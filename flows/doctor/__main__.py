"""Say what this machine has, what is stale or missing, and what is safe to do about it.

    python -m flows.doctor          looks, changes nothing
    python -m flows.doctor --fix    does the safe things as well, and says what it did

It looks at Python and its packages, TensorFlow's devices, locks, runs of Prefect whose process
is gone, unfinished work, free disk, and the places that datasets come from. The exit status is
1 if something is wrong, and stays so.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from rich.console import Console
from rich.text import Text

from flows.doctor import devices, disk, leftovers, locks, runs, software, sources
from flows.doctor.finding import Check, Finding, State
from tasks.stage import StageError, errors_in_one_line

CHECKS: dict[str, Check] = {
    "Software": software.examine,
    "Devices": devices.examine,
    "Locks": locks.examine,
    "Runs": runs.examine,
    "Unfinished work": leftovers.examine,
    "Disk": disk.examine,
    "Sources": sources.examine,
}
COLOURS: dict[State, str] = {"ok": "green", "note": "yellow", "wrong": "bold red"}


def main() -> int:
    """Look at everything, show it, and mend what is to be mended; return the exit status."""
    fix = parse().fix
    console = Console(highlight=False)
    with errors_in_one_line():
        findings = list(look(console))
        mended = {finding for finding in findings if fix and mend(finding, console)}
    wrong = [finding for finding in findings if finding.state == "wrong"]
    console.print(conclusion(findings, mended))
    return 1 if set(wrong) - mended else 0


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fix", action="store_true", help="do the safe things, and say what")
    return parser.parse_args()


def look(console: Console) -> Iterator[Finding]:
    """Do all checks at once, and show their findings in order."""
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        # each in a copy of this context, by which Prefect knows its settings
        looking = {what: pool.submit(copy_context().run, done, CHECKS[what]) for what in CHECKS}
        for what, findings in looking.items():
            console.print(Text(what, style="bold"))
            for finding in findings.result():
                show(console, finding.state, finding.text, COLOURS[finding.state])
                yield finding


def done(check: Check) -> list[Finding]:
    """Do one check; what keeps it from looking is a finding, too."""
    try:
        return list(check())
    except StageError as error:
        return [Finding("wrong", str(error))]


def mend(finding: Finding, console: Console) -> bool:
    """Do the safe thing about a finding, if there is one, and say whether it was done."""
    if finding.cure is None:
        return False
    try:
        show(console, "fixed", finding.cure(), "bold green")
    except StageError as error:
        show(console, "left", str(error), "bold red")
        return False
    return True


def show(console: Console, word: str, text: str, style: str) -> None:
    """Print one line, whole also where the terminal is narrow."""
    console.print(Text.assemble("  ", (f"{word:6}", style), text), soft_wrap=True)


def conclusion(findings: list[Finding], mended: set[Finding]) -> str:
    """Say in one line how it stands."""
    wrong = {finding for finding in findings if finding.state == "wrong"} - mended
    curable = {finding for finding in findings if finding.cure} - mended
    text = f"{len(wrong)} of {len(findings)} findings are wrong" if wrong else "Nothing is wrong"
    return f"{text}; --fix mends {len(curable)}." if curable else f"{text}."


if __name__ == "__main__":
    sys.exit(main())
