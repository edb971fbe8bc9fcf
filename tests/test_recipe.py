import pytest

from tasks.models.loading import load_classifier
from tasks.models.recipe import Recipe, read_recipe, write_recipe
from tasks.params import load_params
from tasks.stage import StageError


def test_every_recipe_of_params_yaml_survives_the_file(workspace, tmp_path):
    params = load_params()
    for experiment in params.experiments.values():
        prepare = params.datasets[experiment.dataset].prepare
        recipe = Recipe(classes=["a", "ö"], prepare=prepare, train=experiment.train)
        write_recipe(tmp_path, recipe)
        assert read_recipe(tmp_path) == recipe


def test_a_folder_without_a_model_says_how_to_get_one(tmp_path):
    with pytest.raises(StageError, match=r"no model in '.*': expected 'recipe\.json' there"):
        load_classifier(tmp_path, threads=1, memory_mib=64)


@pytest.mark.parametrize("text", ["", "{}", '{"classes": []}'])
def test_the_recipe_of_another_version_says_to_train_again(tmp_path, text):
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(
        StageError, match=r"recipe\.json' is damaged or of another version: .* Train"
    ):
        read_recipe(tmp_path)
