"""Three versions of a `dvc.lock`, as texts; test_merge_driver.py has real ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.merge import Merged, Unmergeable, merge

HEAD = "schema: '2.0'\nstages:\n"


def entry(name, outs, deps="", params=None, hashes=None):
    """Write one entry as DVC does."""

    def listed(what, paths):
        lines = (f"    - path: {p}\n      md5: {(hashes or {}).get(p, 0)}\n" for p in paths.split())
        return f"    {what}:\n{''.join(lines)}" if paths else ""

    numbers = "".join(f"        {key}: {value}\n" for key, value in (params or {}).items())
    in_file = f"    params:\n      params.yaml:\n{numbers}" if params else ""
    return f"  {name}:\n    cmd: {name}\n{listed('deps', deps)}{in_file}{listed('outs', outs)}"


def lock(x="0", y="0", rate_x=1, rate_y=1, split="0", code="0"):
    """Write the lock of two experiments; `x` and `y` are the hashes of their models."""
    hashes = {"model_x": x, "model_y": y, "split": split, "code": code, "report": f"{x}+{y}"}
    train_x = entry("train@x", "model_x", "code split", {"rate": rate_x}, hashes)
    train_y = entry("train@y", "model_y", "code split", {"rate": rate_y}, hashes)
    params = {"rate_x": rate_x, "rate_y": rate_y}
    publish = entry("publish", "report", "model_x model_y", params, hashes)
    return HEAD + entry("split", "split", hashes=hashes) + train_x + train_y + publish


def stages(text):
    """Return the text of each stage."""
    return dict(re.findall(r"(?m)^  (\S+):\n((?:    .*\n)+)", text))


BASE = lock()


def test_stages_that_different_branches_ran_come_together():
    merged = merge(BASE, lock(x="1", rate_x=2), lock(y="1", rate_y=2))
    assert merged.conflicts == []
    assert stages(merged.text)["train@x"] == stages(lock(x="1", rate_x=2))["train@x"]
    assert stages(merged.text)["train@y"] == stages(lock(y="1", rate_y=2))["train@y"]


def test_a_stage_that_gathers_both_has_to_run_again():
    ours = lock(x="1", rate_x=2)
    merged = merge(BASE, ours, lock(y="1", rate_y=2))
    assert merged.outdated == ["publish"]
    assert stages(merged.text)["publish"] == stages(ours)["publish"]


def test_one_experiment_run_with_two_settings_is_a_conflict():
    ours, theirs = lock(x="1", rate_x=2), lock(x="2", rate_x=3)
    merged = merge(BASE, ours, theirs)
    assert merged.conflicts == ["train@x", "publish"]
    assert merged.outdated == []
    assert f"<<<<<<< ours\n  train@x:\n{stages(ours)['train@x']}||||||| base\n" in merged.text
    assert f"=======\n  train@x:\n{stages(theirs)['train@x']}>>>>>>> theirs\n" in merged.text


def test_two_results_of_the_same_inputs_are_a_conflict():
    assert merge(BASE, lock(x="1"), lock(x="2")).conflicts == ["train@x", "publish"]


def test_a_side_that_has_all_new_inputs_wins_over_one_that_ran_again_with_the_old():
    ours = lock(x="1", rate_x=2)
    assert merge(BASE, ours, lock(x="2")) == Merged(ours)
    assert merge(BASE, lock(x="2"), ours) == Merged(ours)


def test_a_stage_with_a_new_input_from_each_side_has_to_run_again():
    merged = merge(BASE, lock(x="1", split="1", y="1"), lock(x="2", rate_x=2))
    assert merged.conflicts == []
    assert merged.outdated == ["train@x", "publish"]


def test_what_hangs_on_a_conflict_follows_the_only_side_that_may_be_right():
    theirs = lock(x="2", rate_x=3, y="1", rate_y=2)
    merged = merge(BASE, lock(x="1", rate_x=2), theirs)
    assert merged.conflicts == ["train@x"]
    assert merged.outdated == []
    assert stages(merged.text)["publish"] == stages(theirs)["publish"]


def test_both_sides_the_same_is_no_conflict():
    assert merge(BASE, lock(x="1"), lock(x="1")) == Merged(lock(x="1"))


def test_new_stages_of_both_sides_are_kept_and_ours_come_first():
    new = [entry(f"train@{name}", f"model_{name}") for name in "ab"]
    assert merge(BASE, BASE + new[0], BASE + new[1]) == Merged(BASE + new[0] + new[1])


def test_a_lock_that_is_new_on_both_sides_is_merged():
    a, b = (entry(f"train@{name}", f"model_{name}") for name in "ab")
    assert merge("", HEAD + a, HEAD + b) == Merged(HEAD + a + b)


def test_a_stage_that_one_side_removed_is_gone_unless_the_other_ran_it():
    without = BASE.replace("  train@x:\n" + stages(BASE)["train@x"], "")
    assert merge(BASE, without, BASE) == Merged(without)
    merged = merge(BASE, without, lock(x="1", rate_x=2))
    assert merged.conflicts == ["train@x"]
    assert "<<<<<<< ours\n||||||| base\n  train@x:\n" in merged.text


@pytest.mark.parametrize("broken", ["<<<<<<< ours\n", "stages\n", BASE + BASE[len(HEAD) :]])
def test_what_is_no_lock_is_left_to_git(broken):
    with pytest.raises(Unmergeable, match="it is not as DVC writes it"):
        merge(BASE, broken, lock(x="1"))


def test_two_new_schemas_are_left_to_git():
    with pytest.raises(Unmergeable, match="both sides differ outside of the stages"):
        merge(BASE, BASE.replace("2.0", "3.0"), BASE.replace("2.0", "4.0"))
    assert merge(BASE, BASE, BASE.replace("2.0", "3.0")).text == BASE.replace("2.0", "3.0")


hashes = st.sampled_from(["0", "1", "2"])
locks = st.builds(lock, x=hashes, y=hashes, split=hashes, rate_x=st.integers(1, 3))


@given(locks, locks)
def test_what_only_one_side_changed_is_taken_whole(base, changed):
    assert merge(base, changed, base) == Merged(changed)
    assert merge(base, base, changed) == Merged(changed)
    assert merge(base, changed, changed) == Merged(changed)


@given(locks, locks, locks)
def test_every_stage_is_one_of_the_versions_and_what_is_told_does_not_depend_on_the_side(
    base, ours, theirs
):
    merged, swapped = merge(base, ours, theirs), merge(base, theirs, ours)
    assert (merged.conflicts, merged.outdated) == (swapped.conflicts, swapped.outdated)
    for name, text in stages(merged.text).items():
        assert text in {stages(ours)[name], stages(theirs)[name]}
    assert ("<<<<<<<" in merged.text) == bool(merged.conflicts)
