import json

import pytest

from tasks.params import Params
from tasks.params.__main__ import SCHEMA
from tasks.params.file import load_params
from tasks.stage import StageError


def edited(workspace, old, new):
    path = workspace.root / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(StageError) as raised:
        load_params()
    return str(raised.value)


def line_of(workspace, text):
    lines = (workspace.root / "params.yaml").read_text().splitlines()
    return next(i for i, line in enumerate(lines, start=1) if text in line)


def test_the_project_s_own_file_is_valid(workspace):
    params = load_params()
    assert set(params.datasets) >= {"digits", "mnist", "cats_vs_dogs", "cifar10"}
    assert params.experiment("mnist_mlp").dataset == "mnist"


def test_an_unknown_key_is_refused_with_the_nearest_known_one(workspace):
    message = edited(workspace, "batch_size:", "batchsize:")
    assert "experiments.digits_cnn.train" in message
    assert "unknown key 'batchsize': did you mean 'batch_size'?" in message


def test_a_key_like_no_other_gets_the_list_of_known_ones(workspace):
    message = edited(workspace, "threads:", "xyzzy: 1\nthreads:")
    assert (
        "unknown key 'xyzzy': expected one of: threads, memory_mib, calibrate, evaluate, promote, "
        "datasets, experiments." in message
    )


def test_a_value_out_of_range_names_its_line_and_path(workspace):
    message = edited(workspace, "folds: 5", "folds: 1")
    line = line_of(workspace, "folds: 1")
    assert message.startswith(f"params.yaml:{line}: experiments.digits_knn.train.folds: ")
    assert message.endswith("got 1")


def test_a_missing_value_is_named(workspace):
    message = edited(workspace, "      folds: 5\n", "")
    assert "experiments.digits_knn.train.folds: Field required" in message


def test_an_experiment_on_an_unknown_dataset_is_refused(workspace):
    message = edited(workspace, "dataset: mnist", "dataset: minst")
    assert "unknown dataset 'minst': expected one of " in message


def test_text_that_is_not_yaml_names_the_line(workspace):
    message = edited(workspace, "threads:", "threads: [\nthreads:")
    assert message.startswith("params.yaml:")
    assert "not valid YAML" in message


def test_an_empty_file_is_refused_in_one_line(workspace):
    (workspace.root / "params.yaml").write_text("")
    with pytest.raises(StageError, match=r"params\.yaml:1: the file: "):
        load_params()


def test_a_missing_file_says_where_to_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StageError, match=r"no 'params\.yaml' here: run this in the root"):
        load_params()


def test_values_that_do_not_fit_together_are_refused(workspace):
    train = "experiments.cats_vs_dogs_baseline.train"
    with pytest.raises(StageError, match="expected a dropout rate for each of the 3 convolutions"):
        workspace.write_params({f"{train}.architecture.dropout": [0.1]})
    late = [{"start": 0.5, "size": 64, "source": 64}]
    with pytest.raises(StageError, match="expected resolutions to start at 0 and to ascend"):
        workspace.write_params({f"{train}.resolutions": late})


@pytest.mark.parametrize("what", ["dataset", "experiment"])
def test_unknown_names_are_answered_with_the_known_ones(workspace, what):
    with pytest.raises(StageError, match=f"unknown {what} 'petz': params.yaml has digits"):
        getattr(load_params(), what)("petz")


def test_the_shipped_schema_is_that_of_the_models(cli, workspace):
    done = cli("params")
    assert done.stdout == f"params.yaml is valid; wrote {SCHEMA}.\n"
    assert json.loads((workspace.root / SCHEMA).read_text()) == Params.model_json_schema()


def test_a_key_that_stands_there_twice_is_refused(workspace):
    message = edited(workspace, "threads:", "threads: 1\nthreads:")
    line = line_of(workspace, "threads:") + 1
    assert message == (
        f"params.yaml:{line}: not valid YAML: 'threads' stands there twice, expected once."
    )


def test_what_is_no_text_is_refused_with_its_line(workspace):
    path = workspace.root / "params.yaml"
    text = path.read_bytes()
    path.write_bytes(b"# one\n# caf\xe9\n" + text)
    with pytest.raises(StageError, match=r"params\.yaml:2: not UTF-8: invalid continuation byte"):
        load_params()
    path.write_bytes(b"# one\n# \x01\n" + text)
    with pytest.raises(StageError, match=r"params\.yaml:2: not valid YAML: special characters"):
        load_params()


def test_a_number_has_to_be_finite(workspace):
    message = edited(workspace, "augment: {}", "augment: {shift_pixels: .inf}")
    assert "augment.shift_pixels: Input should be a finite number, got inf" in message


def test_neighbours_that_shall_augment_are_refused(workspace):
    message = edited(workspace, "augment: {}", "augment: {flip: random}")
    assert message.endswith("expected augment: {} with model 'neighbours', which augments nothing")


def test_the_last_of_several_seeds_is_in_range(workspace):
    message = edited(workspace, "repeats: 3", f"repeats: {2**31 + 1}")
    assert message.endswith(
        "expected train.seed and repeats to end below 2,147,483,648, got 0 and 2,147,483,649"
    )
