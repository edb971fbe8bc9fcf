"""Trainings that are ended in the middle and go on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tasks.models.checkpoint import FILE
from tasks.models.network.checkpoint import Checkpoint
from tasks.stage import MODELS, PLOTS, SCRATCH

from .conftest import ROOT
from .test_training import CNN, everything_at_once, network, trained


def ended_after(monkeypatch, epochs):
    """Have each training end once its checkpoint holds so many epochs."""
    save = Checkpoint.save

    def save_and_end(self, model, standing):
        self.next_save = 0.0
        save(self, model, standing)
        if len(standing.table) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_and_end)


@pytest.mark.parametrize(
    "recipe",
    [everything_at_once, lambda: (network(CNN, epochs=4, head="logit"), None)],
    ids=["everything at once", "dropout"],
)
def test_a_training_that_was_ended_after_any_epoch_ends_with_the_same_bytes(
    recipe, tmp_path, monkeypatch, capsys
):
    whole = trained(tmp_path / "whole", *recipe())
    for epochs in (1, 2, 4):
        with monkeypatch.context() as patched:
            ended_after(patched, epochs)
            with pytest.raises(KeyboardInterrupt):
                trained(tmp_path / "ended", *recipe())
    capsys.readouterr()
    assert trained(tmp_path / "ended", *recipe()) == whole
    assert "goes on after epoch 4" in capsys.readouterr().out
    for file in ("model.keras", "recipe.json"):
        ended, uninterrupted = (tmp_path / name / file for name in ("ended", "whole"))
        assert ended.read_bytes() == uninterrupted.read_bytes()


def test_a_checkpoint_that_cannot_be_read_is_as_good_as_none(tmp_path):
    params, changes = everything_at_once()
    scratch = tmp_path / "model.scratch"
    scratch.mkdir()
    (scratch / FILE).write_bytes(b"PK half a file")
    assert trained(tmp_path / "model", params, changes) == trained(
        tmp_path / "whole", params, changes
    )


def start(name):
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.train", name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_all(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kills", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_a_training_killed_in_the_middle_of_an_epoch_goes_on_to_the_same_bytes(
    kills, workspace, cli
):
    workspace.write_params({"experiments.digits_cnn.train.epochs": 4 + 2 * kills})
    for stage in ("download", "prepare", "split", "check"):
        assert cli(stage, "digits").returncode == 0
    assert cli("train", "digits_cnn").returncode == 0
    whole = read_all(MODELS) | read_all(PLOTS)
    said = []
    for _ in range(kills):
        training = start("digits_cnn")
        lines = iter(training.stdout.readline, "")
        said += [next(line for line in lines if line.startswith("epoch "))]
        said += [next(line for line in lines if line.startswith("epoch "))]
        time.sleep(0.2)
        training.send_signal(signal.SIGKILL)
        training.wait()
        training.stdout.close()
    assert len(list(SCRATCH.rglob(FILE))) == 1
    done = cli("train", "digits_cnn")
    assert done.returncode == 0
    assert "goes on after epoch" in done.stdout
    assert len(set(said)) > kills
    assert read_all(MODELS) | read_all(PLOTS) == whole
    assert list(SCRATCH.rglob(FILE)) == []


def test_the_checkpoint_of_another_run_is_left_alone(workspace, cli):
    workspace.write_params({"experiments.digits_cnn.train.epochs": 40})
    for stage in ("download", "prepare", "split", "check"):
        assert cli(stage, "digits").returncode == 0
    training = start("digits_cnn")
    next(line for line in iter(training.stdout.readline, "") if line.startswith("epoch "))
    training.send_signal(signal.SIGKILL)
    training.wait()
    training.stdout.close()
    workspace.write_params({"experiments.digits_cnn.train.epochs": 1})
    done = cli("train", "digits_cnn")
    assert "goes on" not in done.stdout
    assert list((SCRATCH / "train").iterdir()) == []
