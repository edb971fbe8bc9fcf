"""From nothing to a scored network: what one process takes, its imports included.

`mnist_quick` of params.yaml is trained and scored in one process, with each of its seeds, and
trained alone by the stage `train`, beside a process that does no more than import Keras. The
recipe was chosen by what val says; the test pictures are scored here as in `bench_lessons`,
which is no look that anything is chosen by.
"""

import statistics
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measured import ROOT, processor, spent, versions, write

NAME, DATASET, SEEDS = "mnist_quick", "mnist", 3
READ = ("params.yaml", "data/prepared", "data/splits", "data/checks")


def main(folder, seed):
    from tasks.images.samples import test_rows, train_rows, val_rows
    from tasks.models.fitting import fit
    from tasks.models.loading import load_classifier
    from tasks.params import load_params
    from tasks.repeat import with_seed

    params = load_params()
    experiment = with_seed(params.experiment(NAME), int(seed))
    model, scratch = Path(folder, "model"), Path(folder, "scratch")
    model.mkdir()
    fit(train_rows(DATASET), val_rows(DATASET), experiment, params, model, scratch)
    classifier = load_classifier(model, threads=params.threads, memory_mib=params.memory_mib)
    rows = test_rows(DATASET)
    chosen = classifier.probabilities(rows.pixels()).argmax(axis=1)
    Path(folder, "accuracy").write_text(str((chosen == rows.labels).mean()))


def workplace(folder):
    """Make a folder in which a stage reads our data and writes its own."""
    for path in READ:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(ROOT / path)
    return folder


@pytest.mark.timeout(900)
def test_a_network_in_one_short_process(tmp_path):
    if not (ROOT / "data/prepared" / DATASET).exists():
        pytest.skip(f"needs data/prepared/{DATASET}: dvc repro split@{DATASET}")
    ways = {
        "import keras": ["-c", "import keras"],
        f"tasks.train {NAME}": ["-m", "tasks.train", NAME],
        "train and score": ["-m", __name__],
    }
    taken, right = {way: [] for way in ways}, []
    for seed in range(SEEDS):
        for way, command in ways.items():
            folder = tmp_path / f"{way}, {seed}"
            folder.mkdir()
            more = [str(folder), str(seed)] if way == "train and score" else []
            taken[way].append(spent([sys.executable, *command, *more], workplace(folder)))
        right.append(float((folder / "accuracy").read_text()))
    lines = [
        f"Whole processes, {processor()}; {versions('numpy', 'numba', 'keras')}. Medians "
        f"of {SEEDS}; the accuracies are of the seeds 0 to {SEEDS - 1}.",
        "",
        "| process | CPU s | wall s | peak MiB | test accuracy |",
        "|---|--:|--:|--:|--:|",
    ]
    for way, rounds in taken.items():
        cpu, wall, mib = (statistics.median(r[u] for r in rounds) for u in ("cpu", "wall", "mib"))
        said = ", ".join(f"{share:.2%}" for share in right) if way == "train and score" else ""
        lines.append(f"| {way} | {cpu:.1f} | {wall:.1f} | {mib:,.0f} | {said} |")
    write("quick", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
