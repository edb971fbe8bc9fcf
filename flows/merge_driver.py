"""Let git merge what DVC writes: `dvc.lock` by stages, a generated text without conflicts.

git calls this for the files that `.gitattributes` gives to the driver `dvc`, if its own
settings say how; `make setup` writes that down. Where they do not, or where this cannot run
(no `.venv`, a text that it does not understand), git merges lines as always.

    python -m flows.merge_driver install
"""

import argparse
import subprocess
import sys
from pathlib import Path

from flows.merge import Merged, Unmergeable, merge
from tasks.stage import written

CONFLICT = 10  # our exit status; any other failure is not ours to explain
LABELS = ("-L", "ours", "-L", "base", "-L", "theirs")
SETTINGS = {
    "merge.dvc.name": "dvc.lock by stages",
    "merge.dvc.driver": (
        ".venv/bin/python -m flows.merge_driver merge %A %O %B %P; "
        f"case $? in 0) ;; {CONFLICT}) exit 1 ;; "
        f"*) git merge-file {' '.join(LABELS)} %A %O %B ;; esac"
    ),
}


def main() -> int:
    """Install the driver, or merge three versions of a file as git asks; return the status."""
    arguments = parse()
    if arguments.command == "install":
        install()
        return 0
    merge_files = merge_locks if Path(arguments.path).name == "dvc.lock" else merge_generated
    return merge_files(arguments.ours, arguments.base, arguments.theirs, arguments.path)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.merge_driver",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="tell git of this driver, in this repository")
    merging = commands.add_parser("merge", help="merge three versions of a file; git calls it")
    merging.add_argument("ours", type=Path, help="becomes the merged version")
    merging.add_argument("base", type=Path, help="the last version that both sides had")
    merging.add_argument("theirs", type=Path)
    merging.add_argument("path", help="of the file in the project, for messages")
    return parser.parse_args()


def merge_locks(ours: Path, base: Path, theirs: Path, path: str) -> int:
    """Merge two versions of a `dvc.lock` into ours, and tell what a person must know."""
    try:
        merged = merge(*(version.read_text("utf-8") for version in (base, ours, theirs)))
    except Unmergeable as why:
        print(f"{path}: {why}; git merges its lines.", file=sys.stderr)
        return 2
    written(ours, merged.text)
    tell(merged, path)
    return CONFLICT if merged.conflicts else 0


def tell(merged: Merged, path: str) -> None:
    """Say which stages need DVC, and which a person."""
    if merged.outdated:
        stages = ", ".join(merged.outdated)
        print(f"{path}: neither side's {stages} fits the merge. Run `dvc repro`.", file=sys.stderr)
    if merged.conflicts:
        stages = ", ".join(merged.conflicts)
        print(
            f"{path}: both sides ran {stages}, with different results. Keep one side of each "
            "between the markers, and the same of its settings and metrics, and `git add` them; "
            "then `dvc checkout` and `dvc repro`, which runs what does not fit.",
            file=sys.stderr,
        )


def merge_generated(ours: Path, base: Path, theirs: Path, path: str) -> int:
    """Merge the lines of a text that a stage writes; keep ours where they conflict.

    The stage is out of date after such a merge, so the next `dvc repro` writes it anew.
    """
    command = ["git", "merge-file", "--stdout", "--quiet", *map(str, (ours, base, theirs))]
    tried = subprocess.run(command, capture_output=True)
    if tried.returncode == 0:
        ours.write_bytes(tried.stdout)
    else:
        print(f"{path}: kept as ours until `dvc repro` writes it anew.", file=sys.stderr)
    return 0


def installed() -> bool:
    """Say whether git knows this driver as it is now."""
    return all(setting(key) == value for key, value in SETTINGS.items())


def setting(key: str) -> str:
    """Return a setting of this repository, empty if there is none."""
    command = ["git", "config", "--local", "--get", key]
    return subprocess.run(command, capture_output=True, encoding="utf-8").stdout.rstrip("\n")


def install() -> None:
    """Tell git of this driver, in the settings of this repository alone."""
    for key, value in SETTINGS.items():
        subprocess.run(["git", "config", "--local", key, value], check=True)


if __name__ == "__main__":
    sys.exit(main())
