"""Retraining in a clean clone, in a real repository whose training a test can disturb."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import yaml

from flows.verify.clone import clean_clone, head
from flows.verify.difference import first_row
from flows.verify.outputs import digest_of, files_of, promised
from flows.verify.retraining import check_results
from flows.verify.verdict import VERIFIED, cpu
from tasks.stage import SCRATCH, StageError

from .conftest import ROOT, Project
from .living import commands_in, wait_for

DVC_YAML = """
stages:
  download:
    foreach: [pets]
    do:
      cmd: cp -r {outside}/raw raw
      outs:
        - raw
  train:
    foreach: [net, other]
    do:
      cmd: sleep $(cat {outside}/sleep); cp -r {outside}/${{item}} out-${{item}}
      deps:
        - raw
      outs:
        - out-${{item}}
"""
HISTORY = "epoch,train_loss,val_loss\n1,0.9,1.1\n2,0.7,1.0\n3,0.6,0.9\n"


def write_network(folder, nudge=0.0):
    """Write what a training leaves: a network of two layers as Keras packs it, and a history."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "weights.h5", "w") as file:
        for at, name in enumerate(("first", "second")):
            group = file.create_group(f"layers/{name}/vars")
            group.attrs["name"] = name
            group["0"] = np.arange(6, dtype=np.float32) + at * nudge
    layers = [{"config": {"name": name}} for name in ("first", "second")]
    config = json.dumps({"config": {"layers": layers}})
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        for name, content in {
            "config.json": config.encode(),
            "model.weights.h5": (folder / "weights.h5").read_bytes(),
        }.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    (folder / "weights.h5").unlink()
    (folder / "history.csv").write_text(HISTORY)


def git(*arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def trained(pristine_project, tmp_path_factory):
    """Make a project with a committed training; what it copies stands outside of it."""
    folder = tmp_path_factory.mktemp("verify")
    outside = folder / "outside"
    write_network(outside / "net")
    write_network(outside / "other")
    (outside / "raw").mkdir()
    (outside / "raw" / "photo").write_text("pixels")
    (outside / "sleep").write_text("0")
    project = Project(folder / "a project")
    shutil.copytree(pristine_project.root / ".git", project.root / ".git")
    shutil.copytree(pristine_project.root / ".dvc", project.root / ".dvc")
    (project.root / "dvc.yaml").write_text(DVC_YAML.format(outside=outside))
    (project.root / "params.yaml").write_text("threads: 3\n")
    (project.root / ".gitignore").write_text("/data/scratch/\n")
    assert project.dvc("repro", "train@net").returncode == 0
    git("-C", str(project.root), "add", ".")
    git("-C", str(project.root), "commit", "--quiet", "--message", "Train")
    return project


@pytest.fixture
def disturbed(trained, monkeypatch):
    """Enter the project; what a test changes outside is put back."""
    monkeypatch.chdir(trained.root)
    outside = trained.root.parent / "outside"
    shutil.copytree(outside, outside.with_name("kept"))
    yield outside
    shutil.rmtree(outside)
    outside.with_name("kept").rename(outside)


def verify(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "flows.verify", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def last_line(process):
    return process.communicate(timeout=60)[0].splitlines()[-1]


@pytest.mark.slow
def test_what_comes_out_again_is_identical_and_the_file_says_on_what(disturbed):
    process = verify("net")
    told = last_line(process)
    assert process.returncode == 0, told
    assert re.match(r"net: identical to the byte: 2 files of 1 stage, retrained from \w{7}\.", told)
    file = VERIFIED / "net.json"
    verdict = json.loads(file.read_text("utf-8"))
    assert (verdict["verdict"], verdict["threads"], verdict["commit"]) == ("identical", 3, head())
    assert verdict["outputs"]["train@net"] == files_of("out-net")
    assert verdict["taken_from_cache"]["download@pets"] == files_of("raw")
    assert str(ROOT.parent) not in file.read_text("utf-8")
    assert os.uname().nodename not in file.read_text("utf-8")
    assert list(SCRATCH.iterdir()) == []


def test_one_changed_layer_and_one_changed_epoch_are_named(disturbed):
    write_network(disturbed / "net", nudge=0.25)
    (disturbed / "net" / "history.csv").write_text(HISTORY.replace("2,0.7", "2,0.8"))
    process = verify("net")
    told = last_line(process)
    assert process.returncode == 3
    assert "net: differs from" in told
    assert "first in train@net, file out-net/history.csv" in told
    assert "epoch 2: train_loss is 0.8, expected 0.7" in told
    assert "layer 'second', array 1 of shape (6,): 6 of 6 numbers differ, by at most 0.25" in told
    assert json.loads((VERIFIED / "net.json").read_text())["verdict"] == "different"
    assert list(SCRATCH.iterdir()) == []


@pytest.mark.slow
def test_raw_data_that_is_not_in_the_cache_is_made_again_and_a_gone_file_is_named(disturbed):
    cache = disturbed.with_name("a project") / ".dvc" / "cache"
    cache.rename(disturbed / "cache")
    (disturbed / "net" / "model.keras").unlink()
    process = verify("net")
    told = last_line(process)
    (disturbed / "cache").rename(cache)
    assert process.returncode == 3
    assert "first in train@net" in told
    assert "download@pets" in json.loads((VERIFIED / "net.json").read_text())["outputs"]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_leaves_no_process_and_no_clone(disturbed, sent):
    (disturbed / "sleep").write_text("300")
    process = verify("net")
    clone = SCRATCH.resolve() / f".verify.{process.pid}.part"
    wait_for(lambda: any("sleep" in command for command in commands_in(clone)))
    process.send_signal(sent)
    process.communicate(timeout=20)
    wait_for(lambda: commands_in(clone) == [], seconds=10)
    if sent == signal.SIGKILL:  # nobody was left to clean up; the next one does
        assert clone.exists()
        with clean_clone(head(), clone):
            pass
    assert list(SCRATCH.iterdir()) == []


@pytest.mark.slow
def test_what_cannot_be_verified_is_said_in_one_line(disturbed):
    for name, said in {
        "unknown": "error: unknown name 'unknown'",
        "other": "has no results of train@other: expected it in the commit's dvc.lock",
    }.items():
        process = verify(name)
        assert said in last_line(process)
        assert process.returncode == 1
    (disturbed / "sleep").write_text("no number")
    process = verify("net")
    shutil.rmtree(disturbed / "net")
    assert "error: train@net failed in a clean clone" in last_line(process)
    assert list(SCRATCH.iterdir()) == []


def test_a_stage_without_results_in_the_commit_is_refused():
    with pytest.raises(StageError, match="abcdefg has no results of train@x"):
        check_results({"train@x": None}, {}, "abcdefgh")


def test_without_a_commit_there_is_nothing_to_verify(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StageError, match="no commit to verify here: expected a git repository"):
        head()


def test_digests_are_those_of_dvc(trained, monkeypatch):
    monkeypatch.chdir(trained.root)
    outputs = [output for stage in promised(ROOT / "dvc.lock").values() for output in stage]
    assert len(outputs) > 100
    for output in (o for stage in promised(trained.root / "dvc.lock").values() for o in stage):
        assert digest_of(output.path, files_of(output.path)) == output.digest
    assert digest_of("gone", files_of("gone")) == ""


def test_an_empty_folder_has_the_digest_that_dvc_gives_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    project = Project(tmp_path)
    project.dvc("init", "--quiet", "--no-scm")
    project.dvc("config", "core.analytics", "false")
    project.dvc("add", "--quiet", "empty")
    recorded = yaml.safe_load((tmp_path / "empty.dvc").read_text("utf-8"))["outs"][0]["md5"]
    assert digest_of("empty", files_of("empty")) == recorded


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            "metric,k,accuracy\nL1,1,0.5\nL1,3,0.7\n",
            "metric L1, k 3: accuracy is 0.7, expected 0.6",
        ),
        ("metric,k,accuracy\nL1,1,0.5\n", "1 rows, expected 2"),
        ("metric,k,accuracy\r\nL1,1,0.5\r\nL1,3,0.6\r\n", "other line ends"),
    ],
)
def test_the_first_row_that_differs_is_named(now, said):
    assert first_row("metric,k,accuracy\nL1,1,0.5\nL1,3,0.6\n", now) == said


def test_the_processor_is_named_with_what_chooses_the_code_of_libraries(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(
        "cpu family\t: 25\nmodel\t\t: 1\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 fma\n"
    )
    assert cpu(path) == "Some CPU, cpu family 25, model 1: avx2 fma"
    assert cpu(tmp_path / "none")


@pytest.mark.parametrize("path", sorted((ROOT / VERIFIED).glob("*.json")), ids=lambda p: p.stem)
def test_committed_verdicts_are_of_known_shape(path):
    verdict = json.loads(path.read_text("utf-8"))
    assert verdict["experiment"] == path.stem
    assert verdict["verdict"] == "identical"
    assert len(verdict["commit"]) == 40
    assert {"python", "packages", "cpu", "threads", "outputs"} <= verdict.keys()
