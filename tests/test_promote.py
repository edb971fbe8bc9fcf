"""From a trained model to production and back, on real commits and tags."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from gto import api

from flows.delivery import Delivery
from tasks import calibrate, check, download, evaluate, prepare, split, train
from tasks.promote import main
from tasks.registry.committed import other_than_recorded
from tasks.registry.gates import CHECKS
from tasks.registry.latency import latency_ms
from tasks.registry.versions import History, Move, assign, read_history, register
from tasks.stage import StageError, errors_in_one_line, written
from tests.conftest import ROOT

OWN = {
    "title": "Pets",
    "source": {"kind": "local", "watch": "photos", "max_unpacked_mib": 20},
    "prepare": {
        "reader": "image_folder", "height": 16, "width": 16, "channels": 3,
        "max_pixels": 1000000, "max_quarantined": 0.1,
    },
    "labels": "data/labels/none.csv",
    "split": {"seed": 0, "val": 0.2, "test": 0.3},
    "check": {
        "leaks": "warn",
        "likeness": 1.0,
        "distinct": 0.0,
        "faint": 1.0,
        "outlier": 9.0,
        "imbalance": 3.0,
    },
}  # fmt: skip
LIMITS = {"margin": 0.5, "class_margin": 0.5, "size_mib": 100, "latency_ms": 10_000}
KEPT = ("data/models/pets", "data/predictions/pets.csv", "data/prepared/pets")


def sh(*command):
    asked = subprocess.run(command, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def dvc(*arguments):
    return sh(sys.executable, "-m", "dvc", *arguments)


def recipe(k):
    knn = {"model": "neighbours", "seed": 0, "metrics": ["L1"], "ks": [k], "folds": 2}
    return {
        "title": "kNN",
        "dataset": "pets",
        "published": None,
        "augment": {},
        "train": knn,
        "repeats": 1,
    }


@pytest.fixture
def trained(workspace, class_folders):
    """Return a function that trains neighbours with some k and commits the results."""
    class_folders(workspace.root / "photos", n=40)
    sh("git", "init", "--quiet", "--initial-branch", "main")
    sh("git", "config", "user.name", "Ada")
    sh("git", "config", "user.email", "ada@example.org")
    dvc("init", "--quiet")
    artifacts = {"pets": {"path": "data/models/pets", "type": "model"}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"artifacts": artifacts}))
    Path(".gitignore").write_text("/data/raw\n/data/scratch\n/data/timings\n/photos\n")
    written(CHECKS / "pets.json", json.dumps({"verdict": "clean", "leaked_test_images": 0}))

    def retrain(k, **limits):
        changes = {"datasets": {"pets": OWN}, "experiments": {"pets": recipe(k)}}
        workspace.write_params({**changes, "promote": LIMITS | limits})
        if not Path("data/prepared").exists():
            for stage in (download, prepare, split, check):
                stage.run("pets")
        for stage in (train, calibrate, evaluate):
            stage.run("pets")
        dvc("add", "--quiet", *KEPT)
        Path("dvc.lock").write_text("schema: '2.0'\n")
        sh("git", "add", "--all")
        sh("git", "commit", "--quiet", "--message", f"k = {k}")
        return sh("git", "rev-parse", "HEAD")

    return retrain


@pytest.fixture
def told(monkeypatch, capsys):
    """Return a function that runs the command here: its exit status, and what it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["promote", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended, errors_in_one_line():
            raise SystemExit(main())
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err

    return run


def tags():
    return sh("git", "tag").splitlines()


def got(stage, to):
    """Return k of the model that `dvc artifacts get` finds in a stage."""
    dvc("artifacts", "get", ".", "pets", "--stage", stage, "--out", to)
    return json.loads(Path(to, "recipe.json").read_text())["k"]


@pytest.mark.slow
def test_a_model_goes_into_production_is_replaced_and_comes_back(trained, told):
    assert told() == (0, "No version is registered yet.\n")
    first = trained(1)
    status, said = told("pets", "--dry-run")
    assert (status, tags()) == (0, [])
    assert "It would be promoted." in said
    assert not Path("data/decisions").exists()
    status, said = told("pets")
    assert (status, tags()) == (0, ["pets#production#1", "pets@v1.0.0"])
    assert "pets v1.0.0 is in production (git tag pets#production#1)." in said
    assert "nothing is in use yet" in sh("git", "tag", "--list", "--format=%(contents)", "pets@*")
    [path] = Path("data/decisions/pets").iterdir()
    decision = json.loads(path.read_text())
    assert decision["decision"] == "promote"
    assert decision["challenger"] == {"commit": first, "model": path.stem}
    assert [gate["passed"] for gate in decision["gates"]] == [True] * 6
    assert told("pets") == (0, "pets v1.0.0 is in production already.\n")

    trained(5)
    status, said = told("pets", "--to", "staging")
    assert status == 0
    assert told("pets")[0] == 0
    assert read_history("pets").holder("production") == "v2.0.0"
    assert got("production", "new") == 5

    status, said = told("pets", "--rollback", "--because", "cats complained")
    assert status == 0
    assert "pets v2.0.0 left production, v1.0.0 is back (git tag pets#production#4)." in said
    assert got("production", "old") == 1
    undone = json.loads(Path("data/decisions/pets/production-v2.0.0-to-v1.0.0.json").read_text())
    assert undone["because"] == "cats complained"
    status, said = told("pets", "--rollback")
    assert status == 1
    assert said.startswith("error: 'pets' has nothing to go back to: expected at least two ver")
    table = told()[1]
    assert [line.split()[1:3] for line in table.splitlines() if line.startswith("pets")] == [
        ["v2.0.0", "staging"],
        ["v1.0.0", "production"],
    ]


@pytest.mark.slow
def test_a_model_that_fails_a_gate_moves_nothing_and_leaves_the_reasons(trained, told):
    trained(1)
    assert told("pets")[0] == 0
    trained(15, class_margin=0.01, size_mib=0.001)
    before = tags()
    status, said = told("pets")
    assert (status, tags()) == (3, before)
    assert "FAILED size: " in said
    assert "pets was not promoted." in said
    decisions = [json.loads(path.read_text()) for path in Path("data/decisions/pets").iterdir()]
    assert sorted(decision["decision"] for decision in decisions) == ["promote", "refuse"]
    CHECKS.joinpath("pets.json").unlink()
    assert "FAILED check: no 'data/checks/pets.json'" in told("pets", "--dry-run")[1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own
def test_a_run_of_the_flow_promotes_and_commits_the_decision_on_its_own_branch(
    trained, monkeypatch
):
    first = trained(1)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = Delivery(push=False, commit=True, promote=("pets",)).deliver({}, [])
    assert done == ["pets v1.0.0 is in production (git tag pets#production#1)"]
    assert sh("git", "rev-parse", "main", "pets@v1.0.0^{commit}").split() == [first, first]
    assert sh("git", "branch", "--show-current").startswith("retrain/")
    assert sh("git", "log", "-1", "--format=%s") == "Decide on pets"
    assert sh("git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_what_is_not_committed_or_not_listed_is_refused(trained, told):
    trained(1)
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "# changed\n")
    status, said = told("pets")
    assert status == 1
    assert said.startswith(
        "error: the results of 'pets' are not committed: expected a git commit that holds them, "
        "got changes in params.yaml."
    )
    sh("git", "checkout", "--quiet", "params.yaml")
    with Path("data/predictions/pets.csv").open("a") as file:  # another run, not in DVC's files
        file.write("more\n")
    assert "got changes in data/predictions/pets.csv. Run dvc repro and" in told("pets")[1]
    Path("dvc.yaml").write_text("stages: {}\n")
    assert told("pets")[1].startswith(
        "error: 'pets' is no artifact: expected under artifacts: of dvc.yaml the entry pets: "
        "{path: data/models/pets, type: model}."
    )


@pytest.mark.slow
def test_a_champion_without_predictions_is_no_reason_to_promote(trained, told):
    first = trained(1)
    sh("git", "rm", "--quiet", "--cached", "data/predictions/pets.csv.dvc")
    sh("git", "commit", "--quiet", "--message", "Lose the predictions")
    register("pets", "HEAD", "by hand")
    assign("pets", "v1.0.0", "production", "by hand")
    assert sh("git", "rev-parse", "pets@v1.0.0^{commit}") != first
    trained(5)
    status, said = told("pets")
    assert status == 1
    assert "error: 'pets' cannot be compared with the model in use, missing: " in said


def test_outside_of_dvc_nothing_can_be_promoted(workspace):
    with pytest.raises(StageError, match="`dvc data status` failed: expected what is not as it"):
        other_than_recorded(Path("data/models/pets"))


# ---- versions -------------------------------------------------------------------------


def moved(*versions):
    moves = [Move(n, "production", version) for n, version in enumerate(versions, start=1)]
    return History("pets", {}, {}, moves)


@pytest.mark.parametrize(
    ("versions", "held"),
    [
        (["v1", "v2", "v3"], ["v1", "v2", "v3"]),
        (["v1", "v2", "v1"], ["v1"]),
        (["v1", "v2", "v3", "v2", "v4"], ["v1", "v2", "v4"]),
        (["v1", "v2", "v1", "v2"], ["v1", "v2"]),
        (["v1", None], []),
        ([], []),
    ],
)
def test_to_return_to_a_version_takes_off_what_came_after_it(versions, held):
    assert moved(*versions).held("production") == held
    assert moved(*versions).held("staging") == []


@pytest.fixture
def repository(workspace):
    sh("git", "init", "--quiet")
    sh("git", "config", "user.name", "Ada")
    sh("git", "config", "user.email", "ada@example.org")


def test_a_commit_in_use_need_not_be_a_registered_version(repository):
    sh("git", "commit", "--quiet", "--allow-empty", "--message", "one")
    commit = sh("git", "rev-parse", "HEAD")
    api.assign(".", "my_pets", "production", ref="HEAD", skip_registration=True)
    history = read_history("my_pets")
    assert history.commit_of(history.holder("production")) == commit
    register("my_pets", "HEAD", "by hand")
    assert read_history("my_pets").commit_of("v1.0.0") == commit


def test_the_number_of_a_tag_orders_moves_of_one_second(repository):
    for message in ("one", "two"):
        sh("git", "commit", "--quiet", "--allow-empty", "--message", message)
        register("my_pets", "HEAD", message)
    for version in ("v1.0.0", "v2.0.0", "v1.0.0"):
        assign("my_pets", version, "production", "because")
    history = read_history("my_pets")
    assert list(history.versions) == ["v1.0.0", "v2.0.0"]
    assert [move.version for move in history.moves] == ["v1.0.0", "v2.0.0", "v1.0.0"]
    assert history.holder("production") == "v1.0.0"
    with pytest.raises(StageError, match=r"the registry refuses: .* Expected git tags as GTO writ"):
        assign("my_pets", "v9.0.0", "production", "no such version")


def test_the_time_of_a_picture_is_a_median_in_milliseconds():
    class Slow:
        def probabilities(self, images):
            assert images.shape == (1, 2, 2, 1)
            return np.ones((1, 1), np.float32)

    assert 0 < latency_ms(Slow(), np.zeros((3, 2, 2, 1), np.uint8)) < 100
