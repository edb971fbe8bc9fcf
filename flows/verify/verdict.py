"""The verdict as a file in git: what was retrained, on what, and whether it came out the same.

It names no folder, machine or time, so that a second run on one machine writes the same file.
"""

import json
import platform
import re
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from flows.verify.difference import Difference
from flows.verify.outputs import Files
from tasks.report.wording import counted
from tasks.stage import DATA, cores, written

VERIFIED = DATA / "verified"

# They compute what is compared, or write it.
PACKAGES = (
    "dvc", "h5py", "keras", "numba", "numpy", "pandas", "pillow", "scikit-learn", "scipy",
    "tensorflow", "tensorflow-cpu",
)  # fmt: skip

INSTRUCTIONS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")


@dataclass(frozen=True)
class Verdict:
    """What became of one experiment.

    Attributes:
        experiment: its name.
        commit: that was cloned, 40 hexadecimal digits.
        threads: of one operation, on which the bits depend.
        taken: stages whose outputs came from the original's cache and were not made again.
        made: the files of every other stage that ran, by its address.
        left: how many stages were not run, because one before them differs.
        difference: the first, or None.
    """

    experiment: str
    commit: str
    threads: int | None = None
    taken: dict[str, Files] = field(default_factory=dict)
    made: dict[str, Files] = field(default_factory=dict)
    left: int = 0
    difference: Difference | None = None

    @property
    def identical(self) -> bool:
        """Whether every output came out as it was."""
        return self.difference is None

    def in_one_line(self) -> str:
        """Say it so that a person needs nothing else."""
        files = counted(sum(map(len, self.made.values())), "file")
        stages = counted(len(self.made), "stage")
        if self.difference is None:
            same = f"identical to the byte: {files} of {stages}, retrained from {self.commit[:7]}"
            return f"{self.experiment}: {same}."
        stage, file, details = self.difference
        rest = f" ({counted(self.left, 'later stage')} not run)" if self.left else ""
        first = f"differs from {self.commit[:7]}: first in {stage}, file {file}{rest}"
        return f"{self.experiment}: {first}. {'; '.join(details)}."

    def as_json(self) -> dict[str, Any]:
        """Return all of it, with what it was computed on."""
        return {
            "commit": self.commit,
            "cores": cores(),
            "cpu": cpu(Path("/proc/cpuinfo")),
            "difference": self.difference and self.difference._asdict(),
            "experiment": self.experiment,
            "outputs": self.made,
            "packages": packages(),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "taken_from_cache": self.taken,
            "threads": self.threads,
            "verdict": "identical" if self.identical else "different",
        }

    def write(self) -> Path:
        """Write the file, and return where it is."""
        path = VERIFIED / f"{self.experiment}.json"
        written(path, json.dumps(self.as_json(), indent=2, sort_keys=True) + "\n")
        return path


def read_threads(params: Path) -> int | None:
    """Return the threads of one operation that a `params.yaml` asks for."""
    values = yaml.safe_load(params.read_text("utf-8"))
    return values.get("threads") if isinstance(values, dict) else None


def cpu(description: Path) -> str:
    """Return the processor and what it can do, for libraries choose their code by that.

    Args:
        description: as Linux gives it; elsewhere it is not there.
    """
    if not description.exists():
        return platform.processor() or platform.machine()
    told = dict(re.findall(r"(?m)^(\w[\w ]*?)\s*: (.*)$", description.read_text("utf-8")))
    flags = set(told.get("flags", "").split())
    able = [name for name in INSTRUCTIONS if name in flags]
    named = [told.get("model name", platform.machine())]
    named += [f"{part} {told[part]}" for part in ("cpu family", "model") if part in told]
    return f"{', '.join(named)}: {' '.join(able)}"


def packages() -> dict[str, str]:
    """Return the versions of what computes and writes outputs."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
