"""Train an experiment again with other seeds, to see how far chance alone moves its result.

    python -m tasks.repeat mnist_mlp

The first seed is that of `train`, whose model is the one that is used. Those after it are
trained here and only scored, so that more of them, or fewer, leave that model alone: between
any two trainings that differ in nothing else lies the chance of weights, batches and
augmentation (Bouthillier et al. 2021, https://arxiv.org/abs/2103.03098). An experiment with
`repeats: 1` leaves an empty folder. A run that was killed goes on with the seed that it was at.
"""

import shutil

from tasks.images.samples import train_rows, val_rows
from tasks.models.fitting import fit
from tasks.models.inputs import inputs
from tasks.params import Experiment, load_params
from tasks.stage import REPEATS, replacing, timed
from tasks.stage.command import main
from tasks.stage.unfinished import unfinished


def further_seeds(experiment: Experiment) -> list[int]:
    """Return the seeds after the first, one higher each."""
    first = experiment.train.seed
    return list(range(first + 1, first + experiment.repeats))


def with_seed(experiment: Experiment, seed: int) -> Experiment:
    """Return the same recipe with another seed."""
    return experiment.model_copy(
        update={"train": experiment.train.model_copy(update={"seed": seed})}
    )


def run(name: str) -> None:
    """Train one experiment with its further seeds, a folder `seed-N` for each."""
    params = load_params()
    experiment = params.experiment(name)
    prepare = params.dataset(experiment.dataset).prepare
    train, val = train_rows(experiment.dataset), val_rows(experiment.dataset)
    depends_on = inputs(train, val, experiment, prepare, params.threads)
    with (
        timed(f"repeat@{name}"),
        unfinished("repeat", name, depends_on) as scratch,
        replacing(REPEATS / name) as folder,
    ):
        folder.mkdir()
        for seed in further_seeds(experiment):
            finished = scratch / f"seed-{seed}"
            if not finished.exists():
                with replacing(finished) as model:
                    model.mkdir()
                    recipe = with_seed(experiment, seed)
                    fit(train, val, recipe, params, model, scratch / f"training-{seed}")
            shutil.copytree(finished, folder / finished.name)


if __name__ == "__main__":
    main(run, names=lambda: load_params().experiments, what="experiment")
