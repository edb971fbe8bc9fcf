import json
import random
from collections import Counter, defaultdict
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import split
from tasks.images.samples import Sample
from tasks.params import Split
from tasks.split import assign, authors_splits
from tasks.stage import PREPARED, SPLITS, StageError
from tasks.stage.tables import read_table, write_table

SHARES = Split(seed=0, val=0.1, test=0.2)


def sample(name: object, role: str = "", label: str = "cat", content: object = None) -> Sample:
    digest = sha256(str(name if content is None else content).encode()).hexdigest()
    return Sample(str(name), label, role, digest, 8, 8)


def assigned(samples: list[Sample], params: Split = SHARES) -> dict[str, str]:
    theirs = authors_splits({s.role for s in samples})
    return {s.id: assign(s, theirs, params, "pets") for s in samples}


@pytest.fixture
def splits(workspace, own_params):
    """Return a function that prepares samples as `pets`, splits them, and reads what came out."""

    def run(samples: list[Sample], **changes: object) -> tuple[dict[str, str], dict]:
        dataset = own_params["datasets"]["cats_vs_dogs"]
        dataset["split"] |= {"seed": 0, "val": 0.2, "test": 0.2} | changes
        workspace.write_params({"datasets": {"pets": dataset}, "experiments": {}})
        samples = sorted(samples)
        classes = sorted({s.label for s in samples})
        write_table(PREPARED / "pets/samples.csv", Sample._fields, samples)
        (PREPARED / "pets/summary.json").write_text(json.dumps({"classes": classes}))
        split.run("pets")
        table = read_table(SPLITS / "pets.csv")
        assert table["id"].tolist() == [s.id for s in samples]
        summary = json.loads((SPLITS / "pets.summary.json").read_text("utf-8"))
        return dict(zip(table["id"], table["split"], strict=True)), summary

    return run


def many(n: int = 200, role: str = "") -> list[Sample]:
    return [sample(f"{role}{i}", role, "cat" if i % 2 else "dog") for i in range(n)]


# ---- by content -----------------------------------------------------------------------


@given(st.integers(0, 2**32))
def test_split_ignores_the_order_of_the_samples(seed):
    samples = many(300)
    shuffled = random.Random(seed).sample(samples, len(samples))
    assert assigned(shuffled) == assigned(samples)


@given(st.integers(1, 200), st.integers(0, 200), st.sampled_from(["", "train"]))
def test_adding_samples_moves_no_old_sample(n, more, role):
    theirs = many(5, "test") if role else []
    before, after = assigned(theirs + many(n, role)), assigned(theirs + many(n + more, role))
    assert before.items() <= after.items()


@given(st.text(), st.text(), st.text(), st.integers(0, 1000))
def test_copies_of_one_image_share_a_split(content, one, other, seed):
    params = SHARES.model_copy(update={"seed": seed})
    copies = [sample(name, content=content) for name in (f"1{one}", f"2{other}")]
    assert len(set(assigned(copies, params).values())) == 1


def test_shares_are_met_on_average():
    n = 10_000
    counts = Counter(assigned(many(n)).values())
    for name, share in ("train", 0.7), ("val", 0.1), ("test", 0.2):
        assert abs(counts[name] - n * share) < 4 * (n * share * (1 - share)) ** 0.5


def test_another_seed_is_another_split():
    other = SHARES.model_copy(update={"seed": 1})
    assert assigned(many(), other) != assigned(many())


@given(st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_a_larger_test_share_only_adds_to_test(share, more):
    def test_set(share: float) -> set[str]:
        got = assigned(many(), SHARES.model_copy(update={"test": share}))
        return {id for id, name in got.items() if name == "test"}

    assert test_set(share) <= test_set(share + more)


# ---- the authors' split ---------------------------------------------------------------

NO_SHARE = SHARES.model_copy(update={"test": None})


def by_role(samples: list[Sample], params: Split) -> dict[str, set[str]]:
    roles: dict[str, set[str]] = defaultdict(set)
    for s in samples:
        roles[s.role].add(assigned(samples, params)[s.id])
    return roles


@pytest.mark.parametrize("params", [SHARES, NO_SHARE])
def test_the_authors_test_set_wins_and_val_is_carved_from_train(params):
    got = by_role(many(60, "train") + many(20, "test"), params)
    assert got == {"train": {"train", "val"}, "test": {"test"}}


@pytest.mark.parametrize("params", [SHARES, NO_SHARE])
def test_a_validation_set_without_a_test_set_is_the_test_set(params):
    got = by_role(many(60, "train") + many(20, "val"), params)
    assert got == {"train": {"train", "val"}, "val": {"test"}}


@pytest.mark.parametrize("params", [SHARES, NO_SHARE])
def test_with_both_of_the_authors_nothing_is_carved(params):
    got = by_role(many(60, "train") + many(20, "val") + many(20, "test"), params)
    assert got == {"train": {"train"}, "val": {"val"}, "test": {"test"}}


def test_a_training_folder_alone_is_split_by_shares():
    assert by_role(many(100, "train"), SHARES) == {"train": {"train", "val", "test"}}


@pytest.mark.parametrize("role", ["", "train"])
def test_no_test_set_and_no_share_for_one_is_refused(splits, role):
    with pytest.raises(StageError, match=r"expected a share as datasets\.pets\.split\.test in"):
        splits(many(role=role), test=None)


@pytest.mark.parametrize(
    ("roles", "test", "test_is", "val_is"),
    [
        ([""], 0.2, "a share of 0.2, by content", "a share of 0.2, by content"),
        (["train", "val"], None, "the authors' val set", "a share of 0.2, by content"),
        (
            ["train", "val", "test"],
            0.3,
            "the authors' test set; the share 0.3 in params.yaml is not used",
            "the authors' val set; the share 0.2 in params.yaml is not used",
        ),
    ],
)
def test_the_summary_says_where_splits_come_from(splits, roles, test, test_is, val_is):
    _, summary = splits([s for role in roles for s in many(50, role)], test=test)
    assert (summary["test_is"], summary["val_is"]) == (test_is, val_is)


# ---- what is refused, what is counted -------------------------------------------------


def test_the_summary_counts_every_split_by_class(splits):
    got, summary = splits(many(300))
    counts = summary["counts"]
    assert sum(sum(classes.values()) for classes in counts.values()) == 300
    assert {name: sum(classes.values()) for name, classes in counts.items()} == Counter(
        got.values()
    )


def test_an_empty_split_is_refused(splits):
    with pytest.raises(
        StageError, match=r"no sample of 'pets' fell into .*val.*: expected at leas"
    ):
        splits(many(2))


def test_shares_that_leave_nothing_to_train_on_are_refused(splits):
    with pytest.raises(StageError, match="no sample of 'pets' fell into train: "):
        splits(many(), val=0.5, test=0.5)


def test_a_class_without_training_samples_is_refused(splits):
    rare = [sample(f"r{i}", "test", "cow") for i in range(9)]
    with pytest.raises(StageError, match="class 'cow' of 'pets' has no sample in train"):
        splits(many(60, "train") + many(20, "test") + rare, test=None)


def test_a_class_may_have_any_name(splits):
    odd = ["NA", "01", "true", 'a "b", c', "🐈", ""]
    samples = [sample(i, label=odd[i % len(odd)]) for i in range(300)]
    _, summary = splits(samples)
    assert set(summary["counts"]["train"]) == set(odd)


def test_splitting_twice_gives_the_same_bytes(splits):
    splits(many())
    once = {path.name: path.read_bytes() for path in SPLITS.iterdir()}
    splits(many())
    assert {path.name: path.read_bytes() for path in SPLITS.iterdir()} == once
    assert sorted(once) == ["pets.csv", "pets.summary.json"]


def test_a_dataset_that_is_not_prepared_is_named(workspace):
    with pytest.raises(StageError, match=r"no 'data/prepared/mnist/samples\.csv': run the stage"):
        split.run("mnist")


def test_the_stage_runs_from_the_command_line(splits, cli):
    splits(many())
    done = cli("split", "pets")
    assert done.returncode == 0
    assert done.stdout.startswith("pets: ")
