"""Where datasets could be had from right now: the mirror, and each place of params.yaml.

A place counts as reachable if it has the first file that is asked of it; its bytes are
checked by `download`. Of a mirror in a folder, all files are looked for.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.doctor.finding import Finding
from tasks.datasets.archives import Unusable
from tasks.datasets.downloads import plain
from tasks.datasets.sources import WEB, local, located, mirrored
from tasks.download import ENDINGS
from tasks.params import Archive, Dataset, Files, load_params
from tasks.stage import RAW

PATIENCE_S = 5.0  # without a connection, without a byte
PROBES = 16  # at once

Place = list[str]  # locations of one file; any will do


def examine() -> Iterator[Finding]:
    """Try every place of every dataset."""
    yield mirror(os.environ.get("DATASET_MIRROR", ""))
    found = {name: places(dataset) for name, dataset in load_params().datasets.items()}
    locations = {location for these in found.values() for place in these for location in place}
    with ThreadPoolExecutor(PROBES) as pool:
        obstacles = dict(zip(locations, pool.map(obstacle, locations), strict=True))
    for name, these in found.items():
        yield judge(name, these, obstacles)


def mirror(place: str) -> Finding:
    """Say what DATASET_MIRROR names."""
    if not place:
        return Finding("ok", "no DATASET_MIRROR is set, so the official places are asked")
    if place.startswith(WEB) or Path(place).expanduser().is_dir():
        return Finding("ok", f"DATASET_MIRROR is {place}")
    return Finding("wrong", f"DATASET_MIRROR is '{place}': expected a folder or an http(s) URL.")


def places(dataset: Dataset) -> list[Place]:
    """Return where a dataset may come from, in order, as `download` asks."""
    source = dataset.source
    if isinstance(source, Files):
        first = next(iter(source.files))
        alone = [*mirrored(source.mirror, [first]), *(located(url, first) for url in source.urls)]
        return [[location] for location in alone]
    if isinstance(source, Archive):
        packed = mirrored(source.mirror, [source.stem + ending for ending in ENDINGS])
        return [*([packed] if packed else []), *([url] for url in source.urls)]
    return [[source.watch]]


def obstacle(location: str) -> str:
    """Say why a location does not give its file now, nothing if it does."""
    if location.startswith(WEB):
        return web_obstacle(location)
    if Path(location).expanduser().is_dir():
        return ""
    try:
        local(location)
    except Unusable as why:
        return str(why)
    return ""


def web_obstacle(url: str) -> str:
    """Say why a server does not give a file now, nothing if it does; one byte is asked for."""
    import requests  # not above: it takes a quarter of a second

    try:
        with requests.get(
            url, headers={"Range": "bytes=0-0"}, stream=True, timeout=PATIENCE_S
        ) as response:
            return "" if response.ok else f"HTTP status {response.status_code} {response.reason}"
    except requests.RequestException as error:
        return plain(error)


def judge(name: str, places: list[Place], obstacles: Mapping[str, str]) -> Finding:
    """Say from where a dataset could be downloaded.

    Args:
        name: of the dataset.
        places: where it may come from, in order.
        obstacles: what is wrong with each location, if anything.
    """
    good = [location for place in places for location in place if not obstacles[location]]
    bad = [place[0] for place in places if all(obstacles[location] for location in place)]
    failures = "; ".join(f"{location}: {obstacles[location]}" for location in bad)
    if good:
        return Finding("ok", f"{name}: {good[0]}" + (f" (but not {failures})" if bad else ""))
    if (RAW / name).exists():
        return Finding("note", f"{name}: nowhere now, but {RAW / name} is there ({failures})")
    return Finding("wrong", f"{name}: nowhere ({failures}). Set DATASET_MIRROR to where it is.")
