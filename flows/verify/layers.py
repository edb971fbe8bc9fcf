"""Which layer of two `.keras` files, or array of two `.npz` files, is the first that differs."""

import io
import json
import zipfile
from typing import Any

import h5py
import numpy as np

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

Arrays = dict[tuple[str, int], Any]  # by the layer's name, and which of its arrays it is


def first_layer(before: bytes, after: bytes) -> str:
    """Say which layer is the first that is not the same, and how far apart its numbers are.

    Args:
        before: a whole `.keras` file.
        after: another.
    """
    was, now = weights(before), weights(after)
    for place in sorted(was.keys() | now.keys(), key=order(before)):
        layer, at = place
        if place not in was or place not in now or was[place].shape != now[place].shape:
            return f"layer '{layer}' has weights of another shape"
        if not np.array_equal(was[place], now[place], equal_nan=True):
            return f"layer '{layer}', {describe(was[place], now[place], at)}"
    return f"all weights are the same; {other_members(before, after)} differs"


def first_array(before: bytes, after: bytes) -> str:
    """Say which array is the first that is not the same, and how far apart its numbers are.

    Args:
        before: a whole `.npz` file.
        after: another.
    """
    was, now = (dict(np.load(io.BytesIO(model))) for model in (before, after))
    for at, name in enumerate(was | now):
        if name not in was or name not in now or was[name].shape != now[name].shape:
            return f"'{name}' has another shape"
        if not np.array_equal(was[name], now[name], equal_nan=True):
            return f"'{name}', {describe(was[name], now[name], at)}"
    return f"all arrays are the same; {other_members(before, after)} differs"


def weights(model: bytes) -> Arrays:
    """Return the weights of every layer."""
    found: Arrays = {}

    def visit(path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            layer = item.parent.attrs.get("name", item.parent.name)
            found[str(layer), int(path.rpartition("/")[2])] = item[()]

    with h5py.File(io.BytesIO(member(model, WEIGHTS))) as file:
        file.visititems(visit)
    return found


def order(model: bytes) -> Any:  # noqa: ANN401 (a key for `sorted`)
    """Return a key that sorts weights as the model has its layers; unknown ones come last."""
    layers = json.loads(member(model, CONFIG))["config"].get("layers", [])
    place = {layer["config"].get("name"): at for at, layer in enumerate(layers)}
    return lambda name: (place.get(name[0], len(place)), *name)


def describe(was: Any, now: Any, at: int) -> str:  # noqa: ANN401 (arrays of any kind)
    """Say how many numbers of an array differ, and how far."""
    apart = (was != now) & ~((was != was) & (now != now))
    most = np.abs(was.astype(np.float64) - now.astype(np.float64))[apart].max()
    return (
        f"array {at + 1} of shape {was.shape}: {int(apart.sum()):,} of {apart.size:,} numbers "
        f"differ, by at most {most:.2g}"
    )


def other_members(before: bytes, after: bytes) -> str:
    """Name the first member of the archives that differs, the weights apart."""
    names = (set(zipfile.ZipFile(io.BytesIO(model)).namelist()) for model in (before, after))
    for name in sorted(set.union(*names) - {WEIGHTS}):
        if member(before, name) != member(after, name):
            return f"'{name}'"
    return "how they are packed"


def member(model: bytes, name: str) -> bytes:
    """Return one member of a `.keras` file, empty if it has none of that name."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        return archive.read(name) if name in archive.namelist() else b""
