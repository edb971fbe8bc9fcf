"""Decode pictures with all cores, a few at a time, into the rows of an array on disk.

Threads are enough: decoding and hashing let the others run. A thread takes a chunk of pictures,
and no more chunks are under way than keep all threads busy, so memory stays the same
whatever the number of pictures. Pictures that are only copied are no work for threads: Python
does most of it, and it lets one of them at a time. Each finished chunk is logged, so that a run
that was killed is taken up behind it.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tasks.datasets.pictures import Listing, Picture
from tasks.datasets.rows import Rows
from tasks.images.decode import decode, fit
from tasks.images.depth import Unreadable
from tasks.images.samples import Sample
from tasks.images.scratch import scratch
from tasks.params import Prepare
from tasks.stage import cores, progress

CHUNK = 32  # pictures that one thread takes at once
WRITTEN = 2**21  # bytes of pictures that are written at one go, or one picture if that is more


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
            submit = here if only_copied(pictures[0], prepare) else pool.submit
            running.append(submit(pack_chunk, rows, first, pictures, prepare))
            if len(running) > 2 * threads:  # enough to keep all busy, and no more in memory
                collect()
        while running:
            collect()


def only_copied(picture: Picture, prepare: Prepare) -> bool:
    """Say whether a picture lies ready in an array of the prepared size."""
    wanted = (prepare.height, prepare.width, prepare.channels)
    return isinstance(picture.source, np.ndarray) and picture.source.shape == wanted


def here(work: Callable[..., list[Result]], *arguments: Any) -> Future[list[Result]]:  # noqa: ANN401
    """Do some work in this thread, as if another had been asked to."""
    done: Future[list[Result]] = Future()
    done.set_result(work(*arguments))
    return done


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
    """Decode some pictures and write their rows, as many at a time as make a few MiB.

    The threads write to one file, where each waits for the others: seldom is better than often.
    """
    size, results = math.prod(rows.shape), []
    together = max(WRITTEN // size, 1)
    with rows.path.open("r+b") as file:
        for start in range(0, len(pictures), together):
            some = pictures[start : start + together]
            images = scratch("chunk", len(some) * size).reshape(len(some), *rows.shape)
            results += [pack_one(i, p, prepare) for i, p in zip(images, some, strict=True)]
            rows.write(file, first + start, images)
    return results


def pack_one(image: np.ndarray, picture: Picture, prepare: Prepare) -> Result:
    """Decode one picture into `image`, uint8 (h, w, c); a broken one is black."""
    try:
        source = picture.source
        decoded = decode(source, prepare) if isinstance(source, Path) else fit(source, prepare)
    except Unreadable as error:
        image[:] = 0
        return Broken(picture.id, str(error))
    image[:] = decoded.pixels
    return Sample(*picture[:3], decoded.digest, decoded.width, decoded.height)
