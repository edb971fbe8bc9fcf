"""A tree of arrays as one file, with the same bytes whenever the arrays are the same.

An `.npz` file that numpy writes has a constant time for each member, and no compression.
"""

from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from tasks.stage import replacing

T = TypeVar("T")


def named(tree: Any) -> dict[str, Any]:  # noqa: ANN401 (any tree)
    """Return the arrays of a tree, each named by its place in it."""
    return {jax.tree_util.keystr(path): np.asarray(array) for path, array in leaves(tree)}


def save(path: Path, tree: Any) -> None:  # noqa: ANN401
    """Write the arrays of a tree, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **named(tree))


def load(saved: dict[str, np.ndarray], like: T) -> T:
    """Return a tree of the same form as another one with the arrays that were saved."""
    arrays = [saved[jax.tree_util.keystr(path)] for path, _ in leaves(like)]
    return jax.tree.unflatten(jax.tree.structure(like), arrays)


def leaves(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Return places and arrays, in order."""
    return jax.tree_util.tree_flatten_with_path(tree)[0]
