"""Decode pictures with all cores, a few at a time, into the rows of an array on disk.

Threads are enough: Pillow and hashing let the others run. A thread takes a chunk of pictures,
and no more chunks are under way than keep all threads busy, so memory stays the same
whatever the number of pictures. Each finished chunk is logged, so that a run that was killed
is taken up behind it.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
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
from tasks.stage import cores, progress

CHUNK = 32  # pictures that one thread takes at once


class Broken(NamedTuple):
    """One row of `quarantine.csv`."""

    file: str
    reason: str


Result = Sample | Broken


def pack(rows: Rows, listing: Listing, prepare: Prepare, what: str, log: Path) -> None:
    """Fill the rows that are not filled yet; `packed` tells what became of each picture.

    Args:
        rows: to be filled, one per picture.
        listing: the pictures.
        prepare: how they are to be.
        what: is done, for the progress.
        log: of the chunks that are done; what it holds already is not done again.
    """
    done = count_packed(log)
    running: deque[Future[list[Result]]] = deque()
    threads = cores()
    with (
        log.open("a", encoding="utf-8") as file,
        ThreadPoolExecutor(threads) as pool,
        progress(what, listing.count - done) as advance,
    ):

        def collect() -> None:
            results = running.popleft().result()
            file.write(json.dumps(results) + "\n")
            file.flush()
            advance(len(results))

        for first, pictures in chunks(listing.pictures):
            if first < done:
                continue
            running.append(pool.submit(pack_chunk, rows, first, pictures, prepare))
            if len(running) > 2 * threads:  # enough to keep all busy, and no more in memory
                collect()
        while running:
            collect()


def packed(log: Path) -> Iterator[Result]:
    """Yield what became of each picture, in order."""
    with log.open(encoding="utf-8") as file:
        for row in (row for line in file for row in json.loads(line)):
            yield Sample(*row) if len(row) == len(Sample._fields) else Broken(*row)


def count_packed(log: Path) -> int:
    """Return how many pictures a killed run has packed, and drop a half-written last line."""
    if not log.exists():
        return 0
    count = size = 0
    with log.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n"):
                count += len(json.loads(line))
                size += len(line)
        file.truncate(size)
    return count


def chunks(pictures: Iterable[Picture]) -> Iterator[tuple[int, list[Picture]]]:
    """Yield a few pictures at a time, with the row of the first."""
    rest, first = iter(pictures), 0
    while chunk := list(islice(rest, CHUNK)):
        yield first, chunk
        first += len(chunk)


def pack_chunk(rows: Rows, first: int, pictures: list[Picture], prepare: Prepare) -> list[Result]:
    """Decode some pictures into their rows; Pillow and hashing leave the other threads free."""
    with rows.path.open("r+b") as file:
        return [
            pack_one(partial(rows.write, file, at), picture, prepare)
            for at, picture in enumerate(pictures, start=first)
        ]


def pack_one(write: Callable[[np.ndarray], None], picture: Picture, prepare: Prepare) -> Result:
    """Decode one picture and write it, uint8 (h, w, c)."""
    try:
        source = picture.source
        decoded = decode(source, prepare) if isinstance(source, Path) else fit(source, prepare)
    except Unreadable as error:
        return Broken(picture.id, str(error))
    write(decoded.pixels)
    return Sample(*picture[:3], decoded.digest, decoded.width, decoded.height)
