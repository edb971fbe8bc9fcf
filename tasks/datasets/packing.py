"""Decode pictures with all cores, a few at a time, into the rows of an array on disk.

Threads are enough: Pillow and hashing let the others run. A thread takes a chunk of pictures,
and no more chunks are under way than keep all threads busy, so memory stays the same
whatever the number of pictures.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.datasets.pictures import Listing, Picture
from tasks.datasets.rows import Rows
from tasks.images.decode import Unreadable, decode, fit
from tasks.images.samples import Sample
from tasks.params import Prepare
from tasks.stage import cores, progress

CHUNK = 32  # pictures that one thread takes at once


class Broken(NamedTuple):
    """One row of `quarantine.csv`."""

    file: str
    reason: str


def pack(rows: Rows, listing: Listing, prepare: Prepare, what: str) -> list[Sample | Broken]:
    """Fill the rows and return what became of each picture, in order."""
    results: list[Sample | Broken] = []
    running: deque[Future[list[Sample | Broken]]] = deque()
    threads = cores()
    with ThreadPoolExecutor(threads) as pool, progress(what, listing.count) as advance:

        def collect() -> None:
            results.extend(done := running.popleft().result())
            advance(len(done))

        for first, pictures in chunks(listing.pictures):
            running.append(pool.submit(pack_chunk, rows, first, pictures, prepare))
            if len(running) > 2 * threads:  # enough to keep all busy, and no more in memory
                collect()
        while running:
            collect()
    return results


def chunks(pictures: Iterable[Picture]) -> Iterator[tuple[int, list[Picture]]]:
    """Yield a few pictures at a time, with the row of the first."""
    rest, first = iter(pictures), 0
    while chunk := list(islice(rest, CHUNK)):
        yield first, chunk
        first += len(chunk)


def pack_chunk(
    rows: Rows, first: int, pictures: list[Picture], prepare: Prepare
) -> list[Sample | Broken]:
    """Decode some pictures into their rows; Pillow and hashing leave the other threads free."""
    images = rows.map(first, len(pictures))
    return [pack_one(*pair, prepare) for pair in zip(images, pictures, strict=True)]


def pack_one(image: np.ndarray, picture: Picture, prepare: Prepare) -> Sample | Broken:
    """Decode one picture into `image`, uint8 (h, w, c)."""
    try:
        source = picture.source
        decoded = decode(source, prepare) if isinstance(source, Path) else fit(source, prepare)
    except Unreadable as error:
        return Broken(picture.id, str(error))
    image[:] = decoded.pixels
    return Sample(*picture[:3], decoded.digest, decoded.width, decoded.height)
