import pytest

from flows.graph import Care, Stage
from flows.tags import read_subjects, tags

from .conftest import ROOT


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("train@mnist_cnn", {"stage:train", "experiment:mnist_cnn", "dataset:mnist"}),
        ("split@mnist", {"stage:split", "dataset:mnist"}),
        ("publish", {"stage:publish"}),
        ("photos.dvc", {"stage:photos.dvc"}),
        ("train@somebody", {"stage:train"}),
    ],
)
def test_tags_say_what_a_stage_works_on(address, expected):
    stage = Stage(address, frozenset(), Care())
    assert tags(stage, read_subjects(ROOT / "params.yaml")) == expected


def test_a_resource_is_a_tag():
    stage = Stage("train@mnist_cnn", frozenset(), Care(resource="gpu"))
    assert tags(stage, {}) == {"stage:train", "resource:gpu"}


def test_an_experiment_named_like_its_dataset_is_both(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("datasets: {pets: {}}\nexperiments: {pets: {dataset: pets}}\n")
    assert read_subjects(path) == {"pets": {"dataset:pets", "experiment:pets"}}


@pytest.mark.parametrize("text", [None, "", "recipes: {quick: {}}", "datasets: [a]\nexperiments:"])
def test_other_params_give_no_tags_and_no_trouble(tmp_path, text):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text)
    assert read_subjects(path) == {}


def test_an_experiment_of_no_dataset_is_one_still(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("experiments: {quick: {rate: 1}}\n")
    assert read_subjects(path) == {"quick": {"experiment:quick"}}
