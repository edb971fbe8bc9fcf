"""Which test pictures a model has seen before, as copies."""

from tasks.images.samples import left_out
from tasks.stage import CHECKS
from tasks.stage.tables import read_table


def leaked_ids(dataset: str) -> frozenset[str]:
    """Return the ids of the test pictures that have a copy in what models learn from, or val.

    Raises:
        StageError: if `check` has not run.
    """
    table = read_table(CHECKS / dataset / "pairs.csv")
    across = (table["other_split"] == "test") & (table["split"] != "test")
    return frozenset(table["other_id"][across & ~table["id"].isin(left_out(dataset))])
