"""What the tests share: a project in a temporary folder, pictures that a test draws, real data."""

import copy
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings
from PIL import Image, ImageDraw

from tasks.params import Params, load_params

pytest_plugins = ["tests.prefect_server", "tests.web_server"]

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would the
# stages that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
MIRROR = Path(os.environ["DATASET_MIRROR"]).resolve() if "DATASET_MIRROR" in os.environ else None
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, with a reason."""
    lacking = {}
    if MIRROR is None:
        lacking["data"] = "needs DATASET_MIRROR=FOLDER with the real data sets"
    if not Path("/dev/nvidiactl").exists():
        lacking["gpu"] = "needs an NVIDIA GPU"
    for item in items:
        for marker, reason in lacking.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


# ---- a project in a temporary folder --------------------------------------------------


class Workspace:
    """A folder to run stages in: the current folder of the test, with its own params.yaml."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_params(self, changes: Mapping[str, Any] | None = None) -> Params:
        """Write the project's own params.yaml with some entries replaced, and read it back.

        Args:
            changes: values by dotted path, such as `experiments.digits_cnn.train.epochs` or
                `datasets`. A new dictionary replaces the whole old one. With new `datasets`,
                experiments on those that are gone go, too.
        """
        changes = changes or {}
        params = read_own_params()
        for path, value in changes.items():
            *parents, last = path.split(".")
            node = params
            for key in parents:
                node = node[key]
            node[last] = copy.deepcopy(value)
        if "datasets" in changes and "experiments" not in changes:
            params["experiments"] = {
                name: experiment
                for name, experiment in params["experiments"].items()
                if experiment["dataset"] in params["datasets"]
            }
        target = self.root / "params.yaml"
        target.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), "utf-8")
        return load_params(target)


def read_own_params() -> dict[str, Any]:
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    return params


@pytest.fixture
def own_params() -> dict[str, Any]:
    """Return the project's own params.yaml as plain dictionaries, to take entries from."""
    return read_own_params()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Enter an empty folder with the project's own params.yaml, and no mirror set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATASET_MIRROR", raising=False)
    made = Workspace(tmp_path)
    made.write_params()
    (tmp_path / "data" / "labels").mkdir(parents=True)
    shutil.copy(ROOT / "data" / "labels" / "none.csv", tmp_path / "data" / "labels")
    return made


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(workspace: Workspace) -> Cli:
    """Return a function that runs `python -m tasks.NAME ARGUMENT ...` in the workspace."""

    def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"tasks.{name}", *arguments],
            cwd=workspace.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
        )

    return run


# ---- pictures -------------------------------------------------------------------------


def draw_shape(shape: str, seed: int = 0, width: int = 48, height: int = 40) -> Image.Image:
    """Draw a `circle`, a `square` or a `triangle`; the seed moves and colours it."""
    colour = (80 + seed * 53 % 160, 80 + seed * 97 % 160, 80 + seed * 31 % 160)
    picture = Image.new("RGB", (width, height), (30, 30, 40))
    side = min(width, height) // 2
    left, top = seed * 7 % (width - side), seed * 5 % (height - side)
    box = (left, top, left + side, top + side)
    pen = ImageDraw.Draw(picture)
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "square":
        pen.rectangle(box, fill=colour)
    else:
        pen.polygon([(left, top + side), (left + side, top + side), (left + side / 2, top)], colour)
    return picture


@pytest.fixture
def draw() -> Callable[..., Image.Image]:
    """Return `draw(shape, seed, width, height)`, which draws an RGB picture."""
    return draw_shape


@pytest.fixture
def class_folders() -> Callable[..., Path]:
    """Return a function that draws a folder per class, with pictures in several formats."""

    def make(
        root: Path,
        classes: Mapping[str, str] | None = None,
        n: int = 6,
        suffixes: tuple[str, ...] = (".jpg", ".png", ".webp", ".bmp", ".gif"),
    ) -> Path:
        """Draw `n` pictures per class; `classes` maps a class to the shape that it shows."""
        shapes = classes or {"round": "circle", "box": "square"}
        for at, (name, shape) in enumerate(shapes.items()):
            (root / name).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                suffix = suffixes[i % len(suffixes)]
                draw_shape(shape, seed=100 * at + i).save(root / name / f"{i:03}{suffix}")
        return root

    return make


# ---- a tiny project with stages ---------------------------------------------------------

STAGES = """
stages:
  fetch:
    foreach: ${sets}
    do:
      cmd: cat photos > out/raw-${key}
      deps:
        - photos
      outs:
        - out/raw-${key}
  fit:
    foreach: ${recipes}
    do:
      cmd: sleep ${item.sleep}; echo fitted ${item.rate} | tee out/model-${key}; exit ${item.exit}
      deps:
        - out/raw-${item.set}
      params:
        - recipes.${key}
      outs:
        - out/model-${key}
      meta: {timeout_s: 30, x-owner: Maria}
  score:
    foreach: ${recipes}
    do:
      cmd: cp out/model-${key} metrics/${key}.json
      deps:
        - out/model-${key}
      metrics:
        - metrics/${key}.json:
            cache: false
  gather:
    cmd: cat metrics/*.json > report
    deps:
      - metrics
    outs:
      - report
"""
RECIPES = {
    "slow": {"set": "a", "rate": 1, "sleep": 2, "exit": 0},  # planned first, ends last
    "quick": {"set": "b", "rate": 2, "sleep": 0, "exit": 0},
}


class Project:
    """A git and DVC repository of shell stages with the shape of the real one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_recipes(self, **changes: Mapping[str, Any]) -> None:
        """Write params.yaml with some values of some recipes replaced."""
        recipes = {name: {**r, **changes.get(name, {})} for name, r in RECIPES.items()}
        params = {"sets": {"a": {}, "b": {}}, "recipes": recipes}
        text = yaml.safe_dump(params, sort_keys=False)
        (self.root / "params.yaml").write_text(text, "utf-8")

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run DVC in the project."""
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def twin(self) -> "Project":
        """Copy the project as it stands, to see what DVC alone makes of it."""
        root = self.root.with_name("the twin")
        if root.exists():
            shutil.rmtree(root)
        return Project(shutil.copytree(self.root, root, symlinks=True))

    def written_by_dvc(self) -> dict[str, bytes]:
        """Return the bytes of every dvc.lock and .gitignore outside of .dvc."""
        paths = [*self.root.rglob("dvc.lock"), *self.root.rglob(".gitignore")]
        relative = (path.relative_to(self.root) for path in sorted(paths))
        return {str(p): (self.root / p).read_bytes() for p in relative if p.parts[0] != ".dvc"}


@pytest.fixture(scope="session")
def pristine_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Make the project once; tests take copies."""
    project = Project(tmp_path_factory.mktemp("pristine"))
    subprocess.run(["git", "init", "--quiet", str(project.root)], check=True)
    project.dvc("init", "--quiet")
    project.dvc("config", "core.analytics", "false")
    for folder in ("out", "metrics"):
        (project.root / folder).mkdir()
    (project.root / "photos").write_text("some pixels\n", "utf-8")
    project.dvc("add", "--quiet", "photos")
    (project.root / "dvc.yaml").write_text(STAGES, "utf-8")
    project.write_recipes()
    return project


@pytest.fixture
def project(pristine_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Enter a fresh copy of the project, at a path with a space in it."""
    root = shutil.copytree(pristine_project.root, tmp_path / "a project", symlinks=True)
    monkeypatch.chdir(root)
    return Project(root)


# ---- what a machine may have ----------------------------------------------------------


@pytest.fixture(scope="session")
def dataset_mirror() -> Path:
    """Return the folder with the real data sets, or skip."""
    if MIRROR is None:
        pytest.skip("needs DATASET_MIRROR=FOLDER with the real data sets")
    return MIRROR


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium, or skip."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs a browser: one of {', '.join(BROWSERS)}")
    return found
