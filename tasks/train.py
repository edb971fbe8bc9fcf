"""Fit one experiment on its training rows, watching val.

    python -m tasks.train mnist_cnn

Leaves a self-contained model folder and the history that `dvc plots` draws. Test rows are
out of reach here. A training that was killed goes on where it was, to the same bytes.
"""

from tasks.images.samples import train_rows, val_rows
from tasks.models.fitting import fit
from tasks.models.inputs import inputs
from tasks.params import load_params
from tasks.stage import MODELS, PLOTS, replacing, timed
from tasks.stage.command import main
from tasks.stage.tables import write_table
from tasks.stage.unfinished import unfinished


def run(name: str) -> None:
    """Train one experiment."""
    params = load_params()
    experiment = params.experiment(name)
    prepare = params.dataset(experiment.dataset).prepare
    train, val = train_rows(experiment.dataset), val_rows(experiment.dataset)
    depends_on = inputs(train, val, experiment, prepare, params.threads)
    with (
        timed(f"train@{name}"),
        unfinished("train", name, depends_on) as scratch,
        replacing(MODELS / name) as folder,
    ):
        folder.mkdir()
        history = fit(train, val, experiment, params, folder, scratch)
        write_table(PLOTS / name / "history.csv", history.columns, history.rows)


if __name__ == "__main__":
    main(run, names=lambda: load_params().experiments, what="experiment")
