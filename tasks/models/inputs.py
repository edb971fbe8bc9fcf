"""All that a training depends on, so that unfinished work is known by it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from tasks.images.samples import Rows
from tasks.params import Experiment, Prepare
from tasks.stage.unfinished import code

LIBRARIES = ("jax", "keras", "numba", "numpy", "tensorflow", "tensorflow-cpu", "torch")


def inputs(
    train: Rows, val: Rows, experiment: Experiment, prepare: Prepare, threads: int
) -> Iterator[bytes | memoryview]:
    """Yield pixels and labels, parameters, code and libraries."""
    for rows in (train, val):
        yield from (rows.index.tobytes(), rows.labels.tobytes(), repr(rows.classes).encode())
        yield from (images.ravel().data for images in rows.pieces())
    yield experiment.model_dump_json(include={"augment", "train"}).encode()
    yield prepare.model_dump_json().encode()
    yield f"{threads} threads, backend {os.environ.get('KERAS_BACKEND')}".encode()
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            yield f"{library} {version(library)}".encode()
    yield from code("images", "models", "params")
