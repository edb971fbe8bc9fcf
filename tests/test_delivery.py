import datetime
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.delivery import Delivery, message
from flows.processes import Outcome
from flows.promotion import promote_all
from tasks.stage import LEDGER, METRICS, StageError

from .conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

OUTCOMES = {
    "download@digits": Outcome("unchanged"),
    "train@digits_knn": Outcome("ran", 2.0),
    "evaluate@digits_knn": Outcome("restored", 1.0),
    "publish": Outcome("ran", 1.0),
}


def sh(*command):
    asked = subprocess.run(command, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


@pytest.fixture
def real(workspace):
    """Enter a repository with the project's own params.yaml, dvc.yaml and one old result."""
    sh("git", "init", "--quiet", "--initial-branch", "main")
    sh(sys.executable, "-m", "dvc", "init", "--quiet")
    sh("git", "config", "user.name", "Ada")
    sh("git", "config", "user.email", "ada@example.org")
    shutil.copy(ROOT / "dvc.yaml", "dvc.yaml")
    METRICS.mkdir(parents=True)
    shutil.copy(ROOT / METRICS / "digits_knn.json", METRICS)
    Path(".gitignore").write_text("/data/scratch\n")
    sh("git", "add", ".")
    sh("git", "commit", "--quiet", "--message", "Begin")
    return workspace


def test_a_commit_says_what_ran_with_what_values_and_how_accuracy_changed(real):
    path = METRICS / "digits_knn.json"
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps(metrics | {"accuracy": metrics["accuracy"] + 0.01}))
    LEDGER.mkdir()
    (LEDGER / "digits.csv").write_text("one look\n")
    Delivery(push=False, commit=True).check()
    real.write_params({"experiments.digits_knn.train.folds": 4})
    delivery, overrides = (
        Delivery(push=False, commit=True),
        ["experiments.digits_knn.train.folds=4"],
    )
    branch = f"retrain/{datetime.date.today().isoformat()}"
    assert delivery.deliver(OUTCOMES, overrides) == [f"committed on {branch}"]
    subject, values, table = sh("git", "log", "-1", "--format=%B").split("\n\n", maxsplit=2)
    assert subject == "Retrain digits_knn"
    assert values == "Set experiments.digits_knn.train.folds=4"
    assert "| `digits_knn` | 98.77 % | +1.00 |" in table
    changed = sh("git", "show", "--format=", "--name-only").split()
    assert changed == [
        "data/ledger/digits.csv", "data/metrics/digits_knn.json", "params.yaml",
    ]  # fmt: skip
    assert delivery.deliver(OUTCOMES, overrides) == []


def test_what_was_not_asked_for_is_not_done_and_not_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nothing = Delivery(push=False, commit=False)
    nothing.check()
    assert nothing.deliver(OUTCOMES, []) == []


def test_a_delivery_is_refused_before_the_run(project):
    with pytest.raises(StageError, match="cannot push"):
        Delivery(push=True, commit=False).check()
    with pytest.raises(StageError, match="cannot commit"):
        Delivery(push=False, commit=True).check()


@pytest.mark.parametrize(
    ("outcomes", "subject"),
    [
        (OUTCOMES, "Retrain digits_knn"),
        ({"publish": Outcome("ran", 1.0)}, "Retrain: 1 stage"),
        ({f"train@{'x' * 30}{i}": Outcome("ran", 1.0) for i in range(3)}, "Retrain: 3 stages"),
    ],
)
def test_the_first_line_of_a_message_is_short(workspace, outcomes, subject):
    assert message(outcomes, []) == subject


def test_what_is_not_committed_is_not_promoted(real):
    with pytest.raises(StageError, match="cannot promote what is not committed: expected commit"):
        Delivery(push=False, commit=False, promote=("digits_knn",)).check()


def test_a_model_that_cannot_be_judged_fails_with_its_reason(real, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with pytest.raises(StageError, match=r"'cats' could not be judged: error: unknown experiment"):
        promote_all(["cats"])
