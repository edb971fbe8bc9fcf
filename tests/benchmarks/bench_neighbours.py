"""The 100 nearest neighbours on CIFAR-10, all 10,000 against 50,000: ours and the usual ways.

A slow one does some of the queries, and its seconds are multiplied: every query costs it the
same. All find the same distances, which is checked for the queries that each did. Then
cross-validation over every k and both metrics, and how far bounds help, or at least do not
harm, on other pictures.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.measured import measured, processor, versions, work, write

K = 100
ROUNDS = 3
WAYS = {  # how many of the 10,000 queries each does
    "L1": {"ours": 10_000, "ours, every row measured": 10_000, "numpy loop": 16,
           "scikit-learn": 256, "faiss": 512},
    "L2": {"ours": 10_000, "ours, every row measured": 10_000, "numpy loop": 16,
           "scikit-learn": 2048, "faiss": 4096},
}  # fmt: skip


def images(folder, part):
    return np.load(Path(folder) / f"{part}.npy")


def ours(metric, queries, rows, **options):
    from tasks.models.neighbours.distances import nearest

    return nearest(queries, rows, K, metric, memory_mib=256, **options)[0]


def numpy_loop(metric, queries, rows):
    """Return what the loop of the course notes does, in numbers that cannot wrap around."""
    flat = rows.reshape(len(rows), -1).astype(np.float32)
    found = []
    for query in queries.reshape(len(queries), -1).astype(np.float32):
        apart = np.abs(flat - query) if metric == "L1" else np.square(flat - query)
        found.append(np.sort(apart.sum(axis=1))[:K])
    return np.array(found)


def scikit_learn(metric, queries, rows):
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=K, algorithm="brute", p=1 if metric == "L1" else 2)
    search.fit(rows.reshape(len(rows), -1).astype(np.float32))
    distances, _ = search.kneighbors(queries.reshape(len(queries), -1).astype(np.float32))
    return distances if metric == "L1" else distances**2


def faiss_flat(metric, queries, rows):
    import faiss

    index = faiss.IndexFlat(3072, faiss.METRIC_L1 if metric == "L1" else faiss.METRIC_L2)
    index.add(rows.reshape(len(rows), -1).astype(np.float32))
    return index.search(queries.reshape(len(queries), -1).astype(np.float32), K)[0]


FUNCTIONS = {
    "ours": ours,
    "ours, every row measured": lambda m, q, r: ours(m, q, r, prune=False),
    "numpy loop": numpy_loop,
    "scikit-learn": scikit_learn,
    "faiss": faiss_flat,
}


def main(task, *arguments):
    {"way": one_way, "folds": cross_validation, "bounds": with_and_without_bounds}[task](*arguments)


def one_way(folder, metric, way):
    count = WAYS[metric][way]

    def prepare():
        rows, queries = images(folder, "train"), images(folder, "test")[:count]
        FUNCTIONS[way](metric, queries[:4], rows[: 2 * K])  # compiles, imports
        if way == "ours":
            ours(metric, queries[:4], rows[: 2 * K], prune=True)  # and what so few do not need
        return queries, rows

    def do(prepared):
        found = FUNCTIONS[way](metric, *prepared)
        np.save(Path(folder) / f"{metric} {way}.npy", found)

    work(prepare, do)


def cross_validation(folder):
    """Score seven k and two metrics on five folds of the training images."""
    from tasks.images.samples import Rows
    from tasks.models.neighbours.training import cross_validation as scored
    from tasks.params import load_params

    params = load_params().experiment("cifar10_knn").train
    pictures = images(folder, "train")
    rows = Rows(
        images=pictures,
        index=np.arange(len(pictures)),
        labels=np.arange(len(pictures)) % 10,  # whatever they are, the search is the same
        ids=[str(i) for i in range(len(pictures))],
        digests=[f"{i:064x}" for i in range(len(pictures))],
        classes=[str(i) for i in range(10)],
    )

    def prepare():
        for metric in params.metrics:
            ours(metric, pictures[:4], pictures[: 2 * K])  # compiles
            ours(metric, pictures[:4], pictures[: 2 * K], prune=True)

    scratch = Path(folder) / "folds"
    work(prepare, lambda _: list(scored(rows, params, 256, scratch)))


def with_and_without_bounds(folder, metric):
    """Print the least seconds of both searches, of rounds in turn, and the one that was chosen."""
    from tasks.models.neighbours.distances import helps, pictures

    rows, queries = (pictures(images(folder, part)) for part in ("train", "test"))
    for prune in (False, True):
        ours(metric, queries[:8], rows[: 2 * K], prune=prune)  # compiles
    seconds = {None: [], False: []}
    for _ in range(ROUNDS):
        for prune, taken in seconds.items():
            start = time.perf_counter()
            found = ours(metric, queries, rows, prune=prune)
            taken.append(time.perf_counter() - start)
    pruned = helps(queries, rows, K, metric, vectorised=True)
    del found
    print(json.dumps({"ours": min(seconds[None]), "all": min(seconds[False]), "pruned": pruned}))


@pytest.mark.data
@pytest.mark.timeout(3600)
def test_neighbours_of_all_test_images(cifar_10, mnist, photographs, noise):
    pytest.importorskip("faiss", reason="make bench installs the peers")
    lines = [
        f"The {K} nearest, {processor()};",
        f"{versions('numpy', 'numba', 'scikit-learn', 'faiss-cpu')}. "
        "CIFAR-10, seconds of all 10,000 queries against 50,000 images.",
        "",
        "| metric | way | CPU s | wall s | peak MiB | times the wall seconds of ours |",
        "|---|---|--:|--:|--:|--:|",
        *(line for metric in WAYS for line in beside_others(cifar_10, metric)),
        "",
        "Cross-validation on the 50,000 training images, 5 folds, k of "
        "1, 3, 5, 10, 20, 50 and 100, both metrics:",
        "{cpu:,.0f} CPU s, {wall:,.0f} s wall, {mib:,.0f} MiB at most.".format(
            **measured(__name__, "folds", str(cifar_10))
        ),
        "",
        f"Ours, which chooses, beside measuring every row; the least wall seconds of {ROUNDS}:",
        "",
        "| pictures | queries x rows | metric | ours | every row | ratio | bounds |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    sets = {"CIFAR-10": cifar_10, "MNIST": mnist, "photographs": photographs, "noise": noise}
    for name, folder in sets.items():
        queries, rows = (len(images(folder, part)) for part in ("test", "train"))
        for metric in WAYS:
            taken = measured(__name__, "bounds", str(folder), metric)
            lines.append(
                f"| {name} | {queries:,} x {rows:,} | {metric} | {taken['ours']:.2f} | "
                f"{taken['all']:.2f} | {taken['ours'] / taken['all']:.2f} | "
                f"{'used' if taken['pruned'] else 'not used'} |"
            )
    write("neighbours", lines)


def beside_others(folder, metric):
    """Yield a line for each way, and check that all found the same."""
    taken = {}
    for way, count in WAYS[metric].items():
        taken[way] = measured(__name__, "way", str(folder), metric, way)
        scale = 10_000 / count
        wall, cpu = (taken[way][unit] * scale for unit in ("wall", "cpu"))
        taken[way]["wall"] = wall
        mine = np.load(folder / f"{metric} ours.npy")[:count]
        theirs = np.load(folder / f"{metric} {way}.npy")
        assert np.allclose(theirs, mine, rtol=2e-3)  # faiss sums squares in float32
        note = "" if count == 10_000 else f" ({count:,} queries, scaled)"
        yield (
            f"| {metric} | {way}{note} | {cpu:,.1f} | {wall:,.1f} | {taken[way]['mib']:,.0f} | "
            f"{wall / taken['ours']['wall']:,.1f} |"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
