"""Make corrections of what a person decided on labels in doubt.

    python -m tasks.relabel mnist_mlp                     # data/suspects/mnist_mlp/labels.csv
    python -m tasks.relabel mnist_mlp Downloads/labels.csv

They go into data/labels/DATASET.csv, in git. `prepare` applies them where
`datasets.DATASET.labels` in params.yaml names that file, and all that depends on the labels runs
again; `python -m tasks.compare` then says what that did. Labels of the test set are not changed.
"""

from pathlib import Path

from tasks.images.samples import train_rows, val_rows
from tasks.labels.corrections import LABELS, merged, read_corrections, write_corrections
from tasks.labels.doubts import read_decisions
from tasks.params import load_params
from tasks.report.wording import counted
from tasks.stage import DATA
from tasks.stage.command import own_parser, started


def run(name: str, table: Path | None) -> None:
    """Add what was decided to the corrections of an experiment's dataset."""
    params = load_params()
    dataset = params.experiment(name).dataset
    parts = train_rows(dataset), val_rows(dataset)
    known = {id: digest for p in parts for id, digest in zip(p.ids, p.digests, strict=True)}
    path = LABELS / f"{dataset}.csv"
    old = read_corrections(path) if path.exists() else []
    table = table or DATA / "suspects" / name / "labels.csv"
    decided = read_decisions(table, known, parts[0].classes)
    corrections = merged(old, decided)
    write_corrections(path, corrections)
    print(f"{dataset}: {counted(len(decided), 'decision')}, {len(corrections)} labels in '{path}'")
    if params.dataset(dataset).labels != path.as_posix():
        print(f"to apply them: datasets.{dataset}.labels: {path.as_posix()} in params.yaml")


if __name__ == "__main__":
    parser = own_parser()
    parser.add_argument("name", metavar="experiment", help="an experiment of params.yaml")
    parser.add_argument("table", nargs="?", type=Path, help="the table that was filled in")
    asked = parser.parse_args()
    with started():
        run(asked.name, asked.table)
