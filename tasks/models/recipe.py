"""What a model folder says of itself, so that it can be used without this repository's data."""

from pathlib import Path

from pydantic import ValidationError

from tasks.params import Convnet, Neighbours, Network, Perceptron, Prepare, Strict
from tasks.stage import StageError, written

RECIPE = "recipe.json"


class Recipe(Strict):
    """How a model was made and how pictures must be prepared for it."""

    classes: list[str]
    prepare: Prepare
    train: Network | Perceptron | Neighbours | Convnet
    metric: str | None = None  # what cross-validation chose
    k: int | None = None
    cross_validated_accuracy: float | None = None


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe of a model into its folder."""
    written(folder / RECIPE, recipe.model_dump_json(indent=2) + "\n")


def read_recipe(folder: Path) -> Recipe:
    """Read the recipe of a model.

    Raises:
        StageError: if there is no model in the folder, or that of another version.
    """
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(
            f"no model in '{folder}': expected '{RECIPE}' there. Train it (dvc repro) or fetch it "
            "(dvc pull)."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise StageError(
            f"'{folder / RECIPE}' is damaged or of another version: {first['msg']}"
            f"{' at ' + '.'.join(map(str, first['loc'])) if first['loc'] else ''}. Train it again "
            "(dvc repro)."
        ) from error
