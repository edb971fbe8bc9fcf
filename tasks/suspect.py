"""Find labels of train and val that are likely wrong, and show them to a person.

    python -m tasks.suspect mnist_mlp              # trains the recipe once per fold
    python -m tasks.suspect digits_cnn --folds 3

Every picture is judged by a model that did not learn from it, and confident learning ranks
what speaks against its label. Leaves data/suspects/EXPERIMENT/index.html, a sheet to look at
and decide on, and labels.csv, the same for a spreadsheet. `python -m tasks.relabel` makes
corrections of what was decided. Another run keeps what was decided in labels.csv, and shows
it on the new sheet. Test rows are out of reach here.
"""

from tasks.arguments import at_least
from tasks.images.samples import train_rows, val_rows
from tasks.labels.doubts import decided_before, find_doubts, write_doubts
from tasks.labels.folds import out_of_fold, together
from tasks.labels.sheet import page
from tasks.models.inputs import inputs
from tasks.params import load_params
from tasks.report.wording import counted, percent
from tasks.stage import DATA, StageError, timed, written
from tasks.stage.command import own_parser, started
from tasks.stage.unfinished import unfinished

SUSPECTS = DATA / "suspects"  # ignored by git and DVC: what a person decided is a correction
FOLDS = 5
MOST = 100  # pictures on the sheet


def run(name: str, folds: int, most: int) -> None:
    """Judge the labels that one experiment learns from.

    Raises:
        StageError: if there are fewer than two folds, or what a person has decided could not
            be kept.
    """
    if folds < 2:
        raise StageError(f"--folds {folds}: expected at least 2, to judge by what was not learned.")
    params = load_params()
    experiment = params.experiment(name)
    dataset = params.dataset(experiment.dataset)
    train, val = train_rows(experiment.dataset), val_rows(experiment.dataset)
    rows, table = together(train, val), SUSPECTS / name / "labels.csv"
    decided_before(table, rows)  # refuses before hours of training, not after them
    depends_on = inputs(train, val, experiment, dataset.prepare, params.threads)
    with timed(f"suspect@{name}"), unfinished("suspect", name, depends_on) as scratch:
        said = out_of_fold(train, val, experiment, params, folds, scratch)
        decided = decided_before(table, rows)  # a person may have gone on in the meantime
        doubts, found = find_doubts(rows, said, most, decided)
        right = float((said.argmax(axis=1) == rows.labels).mean())
        lead = (
            f"{found:,} of {counted(len(rows), 'label')} in train and val are in doubt: {folds} "
            f"models of {name}, each of which learned without the pictures that it judges, say "
            f"otherwise ({percent(right, 2)} of what they say is as labelled). The worst "
            f"{min(found, most):,} are below; most will be hard pictures with a right label."
        )
        if decided:
            kept = counted(len(decided), "decision")
            lead += f" Kept from before: {kept}, those on other pictures at the end."
        write_doubts(table, doubts)
        title = f"Labels in doubt: {dataset.title}"
        written(SUSPECTS / name / "index.html", page(title, lead, doubts, rows))
    print(f"{name}: {found:,} of {len(rows):,} labels in doubt, {len(doubts)} on the sheet")
    if decided:
        print(f"{counted(len(decided), 'decision')} kept that '{table}' had")
    print(f"look at {SUSPECTS / name / 'index.html'}")


if __name__ == "__main__":
    parser = own_parser()
    parser.add_argument("name", metavar="experiment", help="an experiment of params.yaml")
    parser.add_argument("--folds", type=int, default=FOLDS, metavar="N", help="models to train")
    parser.add_argument(
        "--most", type=at_least(1), default=MOST, metavar="N", help="pictures to show"
    )
    asked = parser.parse_args()
    with started():
        run(asked.name, asked.folds, asked.most)
