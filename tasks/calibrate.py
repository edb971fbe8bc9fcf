"""Find out on val how sure a trained model may be, without training it again.

    python -m tasks.calibrate mnist_cnn

Leaves a temperature, which makes probabilities as sure as they are right, and the threshold
from which on a class is possible, so that the model can say "not sure". `evaluate` and
`predict` apply both; what they are worth is measured on test rows, by `evaluate` alone.
"""

import numpy as np

from tasks.images.samples import val_rows
from tasks.measures.calibration import Calibration, before_and_after, path_of, write_calibration
from tasks.measures.ledger import digest_of_model
from tasks.models.loading import load_classifier
from tasks.models.unseen import probabilities_of_unseen, votes_of
from tasks.params import load_params
from tasks.stage import MODELS
from tasks.stage.command import main


def run(name: str) -> None:
    """Calibrate the model of one experiment."""
    params = load_params()
    rows = val_rows(params.experiment(name).dataset)
    classifier = load_classifier(
        MODELS / name, threads=params.threads, memory_mib=params.memory_mib
    )
    said = np.concatenate([probabilities_of_unseen(classifier, i) for i in rows.pieces()])
    found = Calibration.fitted(
        rows.labels,
        said,
        model=digest_of_model(MODELS / name),
        votes=votes_of(classifier),
        coverage=params.calibrate.coverage,
    )
    bins = params.evaluate.calibration_bins
    on_val = before_and_after(rows.labels, said, found.calibrated(said), bins)
    on_val["mean_set_size"] = round(float(found.sets(said).sum(axis=1).mean()), 6)
    write_calibration(path_of(name), found, on_val)
    print(f"{name}: temperature {found.temperature:.3f} on {found.n} val images")


if __name__ == "__main__":
    main(run, names=lambda: load_params().experiments, what="experiment")
