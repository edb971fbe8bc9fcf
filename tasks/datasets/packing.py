"""Decode pictures with all cores, a few at a time, into the rows of an array on disk.

Threads are enough: Pillow and hashing let the others run. A thread takes a chunk of pictures,
and no more chunks are under way than keep all threads busy, so memory stays the same
whatever the number of pictures. Each finished chunk is logged, so that a run that was killed
is taken up behind it.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.datasets.pictures import Listing, Picture
from tasks.datasets.rows import Rows
from tasks.images.decode import decode, fit
from tasks.images.depth import Unreadable
from tasks.images.samples import Sample
from tasks.params import Prepare
from tasks.stage import cores, progress, written

CHUNK = 32  # pictures that one thread takes at once


class Broken(NamedTuple):
    """One row of `quarantine.csv`."""

    file: str
    reason: str


Result = Sample | Broken


def pack(rows: Rows, listing: Listing, prepare: Prepare, what: str, log: Path) -> list[Result]:
    """Fill the rows that are not filled yet, and return what became of each picture, in order.

    Args:
        rows: to be filled, one per picture.
        listing: the pictures.
        prepare: how they are to be.
        what: is done, for the progress.
        log: of the chunks that are done; what it holds already is not done again.
    """
    results = read_log(log)
    running: deque[Future[list[Result]]] = deque()
    threads = cores()
    with (
        log.open("a", encoding="utf-8") as file,
        ThreadPoolExecutor(threads) as pool,
        progress(what, listing.count - len(results)) as advance,
    ):

        def collect() -> None:
            results.extend(done := running.popleft().result())
            file.write(json.dumps(done) + "\n")
            file.flush()
            advance(len(done))

        packed = len(results)
        for first, pictures in chunks(listing.pictures):
            if first < packed:
                continue
            running.append(pool.submit(pack_chunk, rows, first, pictures, prepare))
            if len(running) > 2 * threads:  # enough to keep all busy, and no more in memory
                collect()
        while running:
            collect()
    return results


def read_log(log: Path) -> list[Result]:
    """Return what became of the pictures of a killed run, and drop a half-written last line."""
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        written(log, "".join(whole))
    rows = [row for line in whole for row in json.loads(line)]
    return [Sample(*row) if len(row) == len(Sample._fields) else Broken(*row) for row in rows]


def chunks(pictures: Iterable[Picture]) -> Iterator[tuple[int, list[Picture]]]:
    """Yield a few pictures at a time, with the row of the first."""
    rest, first = iter(pictures), 0
    while chunk := list(islice(rest, CHUNK)):
        yield first, chunk
        first += len(chunk)


def pack_chunk(rows: Rows, first: int, pictures: list[Picture], prepare: Prepare) -> list[Result]:
    """Decode some pictures into their rows; Pillow and hashing leave the other threads free."""
    images = rows.map(first, len(pictures))
    return [pack_one(*pair, prepare) for pair in zip(images, pictures, strict=True)]


def pack_one(image: np.ndarray, picture: Picture, prepare: Prepare) -> Result:
    """Decode one picture into `image`, uint8 (h, w, c)."""
    try:
        source = picture.source
        decoded = decode(source, prepare) if isinstance(source, Path) else fit(source, prepare)
    except Unreadable as error:
        return Broken(picture.id, str(error))
    image[:] = decoded.pixels
    return Sample(*picture[:3], decoded.digest, decoded.width, decoded.height)
