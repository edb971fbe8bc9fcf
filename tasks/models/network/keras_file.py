"""Write a `.keras` file with the same bytes whenever the model is the same.

Keras puts the date, memory addresses (as `shared_object_id`) and file times into its
archive. Here the date is a constant, the ids are numbered in order of appearance, and the
archive is packed anew without compression, sorted, with the earliest time that zip knows.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time of the zip format
DATE = "1980-01-01@00:00:00"


def save(model: keras.Model, path: Path) -> None:
    """Write a model, which should not be compiled: its optimiser is of no use later."""
    raw = path.with_suffix(".raw.keras")
    model.save(raw)
    with zipfile.ZipFile(raw) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(members["metadata.json"]) | {"date_saved": DATE}
    members["metadata.json"] = as_bytes(metadata)
    members["config.json"] = as_bytes(renumbered(json.loads(members["config.json"]), {}))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    raw.unlink()


def as_bytes(value: Any) -> bytes:  # noqa: ANN401 (JSON)
    """Return JSON with sorted keys."""
    return json.dumps(value, sort_keys=True).encode()


def renumbered(value: Any, ids: dict[int, int]) -> Any:  # noqa: ANN401 (JSON)
    """Return JSON in which the n-th new `shared_object_id` is n."""
    if isinstance(value, list):
        return [renumbered(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: ids.setdefault(item, len(ids) + 1)
        if key == "shared_object_id"
        else renumbered(item, ids)
        for key, item in value.items()
    }
