"""The 100 nearest neighbours on CIFAR-10, all 10,000 against 50,000: ours and the usual ways.

A slow one does some of the queries, and its seconds are multiplied: every query costs it the
same. All find the same distances, which is checked for the queries that each did.
"""

import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.measured import measured, processor, versions, work, write

K = 100
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


def main(folder, metric, way):
    count = WAYS[metric][way]

    def prepare():
        rows, queries = images(folder, "train"), images(folder, "test")[:count]
        FUNCTIONS[way](metric, queries[:4], rows[: 2 * K])  # compiles, imports
        return queries, rows

    def do(prepared):
        found = FUNCTIONS[way](metric, *prepared)
        np.save(Path(folder) / f"{metric} {way}.npy", found)

    work(prepare, do)


@pytest.fixture(scope="module")
def cifar_10(dataset_mirror, tmp_path_factory):
    """Write the pictures of CIFAR-10 into a folder, uint8 (n, 32, 32, 3), and return it."""
    folder = tmp_path_factory.mktemp("cifar")
    parts = {"train": [], "test": []}
    with tarfile.open(dataset_mirror / "cifar-10" / "cifar-10-binary.tar.xz") as members:
        for member in members:
            if member.name.endswith(".bin"):
                raw = np.frombuffer(members.extractfile(member).read(), np.uint8)
                pictures = raw.reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)
                part = "test" if "test" in member.name else "train"
                parts[part].append(pictures.transpose(0, 2, 3, 1))
    for part, pictures in parts.items():
        np.save(folder / f"{part}.npy", np.concatenate(pictures))
    return folder


@pytest.mark.data
@pytest.mark.timeout(3600)
def test_neighbours_of_all_test_images(cifar_10):
    pytest.importorskip("faiss", reason="make bench installs the peers")
    lines = [
        f"The {K} nearest, {processor()};",
        f"{versions('numpy', 'numba', 'scikit-learn', 'faiss-cpu')}. "
        "Seconds of all 10,000 queries against 50,000 images.",
        "",
        "| metric | way | CPU s | wall s | peak MiB | times the wall seconds of ours |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for metric, ways in WAYS.items():
        taken = {}
        for way, count in ways.items():
            taken[way] = measured(__name__, str(cifar_10), metric, way)
            scale = 10_000 / count
            wall, cpu = (taken[way][unit] * scale for unit in ("wall", "cpu"))
            taken[way]["wall"] = wall
            mine = np.load(cifar_10 / f"{metric} ours.npy")[:count]
            theirs = np.load(cifar_10 / f"{metric} {way}.npy")
            assert np.allclose(theirs, mine, rtol=1e-4)
            note = "" if count == 10_000 else f" ({count} queries, scaled)"
            lines.append(
                f"| {metric} | {way}{note} | {cpu:,.1f} | {wall:,.1f} | {taken[way]['mib']:,.0f} | "
                f"{wall / taken['ours']['wall']:,.1f} |"
            )
    write("neighbours", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
