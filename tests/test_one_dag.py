"""One graph, two doors: what the flow leaves is what `dvc repro` leaves, byte for byte.

The project has every kind of stage that DVC knows: `foreach` over a list and over a dictionary,
`matrix`, plain ones, one in a folder of its own, and `.dvc` files. What is planned first
ends last.
"""

import shutil

import pytest

from flows.retrain import retrain
from flows.stages import changed, read_graph

from .conftest import Project

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Prefect's and DVC's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Prefect's connections
]

STAGES = """
stages:
  fetch:
    foreach: ${sets}
    do:
      cmd: sleep ${item.sleep}; cat photos > out/raw-${key}
      deps:
        - photos
      outs:
        - out/raw-${key}
  fit:
    matrix:
      set: [a, b]
      rate: ${rates}
    cmd: cat out/raw-${item.set} > out/model-${key} && test ${item.rate} != ${broken}
    deps:
      - out/raw-${item.set}
    outs:
      - out/model-${key}
  score:
    foreach: ${scored}
    do:
      cmd: wc out/model-${item} > scores/${item}
      deps:
        - out/model-${item}
      params:
        - digits
      metrics:
        - scores/${item}:
            cache: false
  gather:
    cmd: cat scores/* letters/spelt > "the [report]"
    deps:
      - letters/spelt
      - scores
      - words
    outs:
      - the [report]
"""
LETTERS = """
stages:
  spell:
    cmd: cat ../words > spelt
    deps:
      - ../words
    outs:
      - spelt
"""
PARAMS = """
sets: {{a: {{sleep: 1}}, b: {{sleep: 0}}}}  # a is planned first, and ends last
rates: {rates}
scored: {scored}
broken: {broken}
digits: {digits}
"""
ALL = [
    "photos.dvc", "fetch@a", "fetch@b", "fit@a-1", "fit@a-2", "fit@b-1", "fit@b-2",
    "score@a-1", "score@b-2", "words.dvc", "letters/dvc.yaml:spell", "gather",
]  # fmt: skip


def write_params(project, rates="[1, 2]", scored="[a-1, b-2]", broken=0, digits=3):
    text = PARAMS.format(rates=rates, scored=scored, broken=broken, digits=digits)
    (project.root / "params.yaml").write_text(text)


@pytest.fixture(scope="session")
def pristine(pristine_project, tmp_path_factory):
    """Make the project once, with nothing run."""
    project = Project(tmp_path_factory.mktemp("every kind") / "pristine")
    shutil.copytree(pristine_project.root, project.root, symlinks=True)
    for folder in ("scores", "letters"):
        (project.root / folder).mkdir()
    (project.root / "words").write_text("some words\n")
    project.dvc("add", "--quiet", "words")
    (project.root / "dvc.yaml").write_text(STAGES)
    (project.root / "letters" / "dvc.yaml").write_text(LETTERS)
    write_params(project)
    return project


@pytest.fixture(scope="session")
def recorded(pristine, tmp_path_factory):
    """Make the project once, with everything run by DVC."""
    root = tmp_path_factory.mktemp("recorded") / "project"
    project = Project(shutil.copytree(pristine.root, root, symlinks=True))
    assert project.dvc("repro").returncode == 0
    return project


@pytest.fixture
def doors(api, tmp_path, monkeypatch):
    """Return a function that copies a project for each door, and enters that of the flow."""

    def copy(project):
        copies = [shutil.copytree(project.root, tmp_path / name) for name in ("flow", "dvc")]
        monkeypatch.chdir(copies[0])
        return [Project(root) for root in copies]

    return copy


def check_same(flow, dvc, monkeypatch):
    """Check that both left the same bytes, and that each finds nothing to do after the other."""
    assert flow.written_by_dvc() == dvc.written_by_dvc()
    assert "up to date" in flow.dvc("repro").stdout
    assert flow.written_by_dvc() == dvc.written_by_dvc()
    monkeypatch.chdir(dvc.root)
    assert changed(read_graph()) == {}


def test_the_flow_has_every_kind_of_stage(pristine, monkeypatch):
    monkeypatch.chdir(pristine.root)
    graph = read_graph()
    assert sorted(graph) == sorted(ALL)
    assert graph["fit@b-1"].upstream == {"fetch@b"}
    assert graph["score@b-2"].upstream == {"fit@b-2"}
    assert graph["letters/dvc.yaml:spell"].upstream == {"words.dvc"}
    assert graph["gather"].upstream == {
        "score@a-1", "score@b-2", "words.dvc", "letters/dvc.yaml:spell",
    }  # fmt: skip


def test_from_nothing(pristine, doors, monkeypatch):
    flow, dvc = doors(pristine)
    assert retrain(return_state=True).is_completed()
    assert dvc.dvc("repro").returncode == 0
    check_same(flow, dvc, monkeypatch)


def test_with_a_changed_parameter(recorded, doors, monkeypatch):
    flow, dvc = doors(recorded)
    for project in (flow, dvc):
        write_params(project, digits=4)
    assert set(changed(read_graph())) == {"score@a-1", "score@b-2", "gather"}
    assert retrain(return_state=True).is_completed()
    assert dvc.dvc("repro").returncode == 0
    check_same(flow, dvc, monkeypatch)


def test_with_stages_added_and_removed(recorded, doors, monkeypatch):
    flow, dvc = doors(recorded)
    counting = "  count:\n    cmd: wc words > count\n    deps: [words]\n    outs: [count]\n"
    for project in (flow, dvc):
        write_params(project, rates="[3, 2, 1, 0]", scored="[b-3, a-1, a-3]", broken=9)
        (project.root / "dvc.yaml").write_text(STAGES + counting)
    assert retrain(return_state=True).is_completed()
    assert dvc.dvc("repro").returncode == 0
    check_same(flow, dvc, monkeypatch)


def test_with_targets_and_then_all(pristine, doors, monkeypatch):
    flow, dvc = doors(pristine)
    assert retrain(["b-2"], return_state=True).is_completed()
    for targets in (["score@b-2"], ["letters/dvc.yaml:spell"], ["--single-item", "gather"]):
        assert dvc.dvc("repro", *targets).returncode == 0
    assert flow.written_by_dvc() == dvc.written_by_dvc()
    assert retrain(return_state=True).is_completed()
    assert dvc.dvc("repro").returncode == 0
    check_same(flow, dvc, monkeypatch)


def test_after_a_failure(pristine, doors, monkeypatch):
    flow, dvc = doors(pristine)
    for project in (flow, dvc):
        write_params(project, broken=1)
    assert retrain(return_state=True).is_failed()
    assert dvc.dvc("repro", "--keep-going").returncode != 0
    assert flow.written_by_dvc() == dvc.written_by_dvc()
    for project in (flow, dvc):
        write_params(project)
    assert retrain(return_state=True).is_completed()
    assert dvc.dvc("repro").returncode == 0
    check_same(flow, dvc, monkeypatch)
