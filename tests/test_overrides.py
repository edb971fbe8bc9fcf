import copy
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flows.overrides import overridden, with_override, with_overrides
from tasks.stage import StageError
from tests.conftest import ROOT

OWN = (ROOT / "params.yaml").read_text("utf-8")


def changed_lines(before, after):
    """Return what went and what came, line by line."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_one_value_changes_and_no_other_byte():
    after = with_overrides(OWN, ["threads=3"])
    assert changed_lines(OWN, after) == (
        ["threads: 2  # of one operation; another number gives other bits (and another dvc.lock)"],
        ["threads: 3  # of one operation; another number gives other bits (and another dvc.lock)"],
    )
    assert after.replace("threads: 3", "threads: 2") == OWN


def test_the_value_of_one_experiment_is_changed_and_not_that_of_its_neighbours():
    after = with_overrides(OWN, ["experiments.mnist_mlp.train.epochs=3"])
    was, now = yaml.safe_load(OWN), yaml.safe_load(after)
    assert was["experiments"]["mnist_mlp"]["train"].pop("epochs") == 7
    assert now["experiments"]["mnist_mlp"]["train"].pop("epochs") == 3
    assert was == now


def test_what_the_file_leaves_out_is_added():
    after = with_overrides(OWN, ["experiments.mnist_mlp.augment.flip=random"])
    assert yaml.safe_load(after)["experiments"]["mnist_mlp"]["augment"] == {"flip": "random"}


@pytest.mark.parametrize(
    ("text", "override", "expected"),
    [
        ("a: 1  # one\nb: 2\n", "a=5", "a: 5  # one\nb: 2\n"),
        ("a:\n  b: 1\n  c: 2\n", "a.c=x", "a:\n  b: 1\n  c: x\n"),
        ("a: {b: 1, c: 2}\n", "a.c=[1, 2]", "a: {b: 1, c: [1, 2]}\n"),
        ("a: {b: 1}\n", "a.c='x, y'", "a: {c: 'x, y', b: 1}\n"),
        ("a: {}\n", "a.c=null", "a: {c: null}\n"),
        ("a:\n  b: 1\n", "a.c=2.5", "a:\n  c: 2.5\n  b: 1\n"),
        ("a: [1, 2, 3]\n", "a.0=9", "a: [9, 2, 3]\n"),
        ("a:\n  - {b: 1}\n  - {b: 2}\n", "a.1.b=true", "a:\n  - {b: 1}\n  - {b: true}\n"),
        ("a:  # why\n  - 1\n\n# of b\nb: 2\n", "a=[]", "a: []\n\n# of b\nb: 2\n"),
        ("a:\n  b:\n    c: 1  # one\nd: 2\n", "a={e: 1}", "a: {e: 1}  # one\nd: 2\n"),
        ("a:\nb: 2\n", "a=1", "a: 1\nb: 2\n"),
        ("a: 1", "b=", "b: null\na: 1"),
    ],
)
def test_the_text_around_a_value_stays(text, override, expected):
    assert with_override(text, override) == expected


# PyYAML itself folds these three, which nobody types
words = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"), max_size=12)
plain = st.none() | st.booleans() | st.integers() | words
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v))


@given(values, values, st.sampled_from(["a", "b.c", "b.new", "d.1", "e.new"]))
def test_a_value_of_any_kind_is_read_back(old, new, path):
    text = yaml.safe_dump({"a": old, "b": {"c": 1}, "d": [0, copy.deepcopy(old)], "e": {}})
    after = with_override(text, f"{path}={yaml.safe_dump([new], default_flow_style=True)[1:-2]}")
    found, expected = yaml.safe_load(after), yaml.safe_load(text)
    *above, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    parent = expected
    for key in above:
        parent = parent[key]
    parent[last] = new
    assert found == expected


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("threads", "cannot set 'threads': expected KEY.KEY=VALUE, such as experiments."),
        ("=3", "cannot set '=3': expected KEY.KEY=VALUE"),
        ("threads=[1", "cannot set 'threads=[1': no YAML behind the sign '='."),
        (
            "experiments.mnist_mpl.train.epochs=3",
            "cannot set 'experiments.mnist_mpl.train.epochs=3': unknown key 'mnist_mpl': "
            "did you mean 'mnist_mlp'?",
        ),
        (
            "threads.of=3",
            "cannot set 'threads.of=3': 'of' would be below a value that has no keys.",
        ),
        (
            "experiments.mnist_mlp.train.epoch=3",
            "unknown key 'epoch': did you mean 'epochs'?",
        ),
        (
            "experiments.mnist_mlp.train.epochs=0",
            "experiments.mnist_mlp.train.epochs: Input should be greater than or equal to 1, got 0",
        ),
        (
            "experiments.mnist_mlp.train.epochs=many",
            "epochs: Input should be a valid integer, unable to parse string as an integer, "
            "got 'many'",
        ),
        ("experiments.mnist_mlp.dataset=pets", "'mnist_mlp' has unknown dataset 'pets'"),
    ],
)
def test_a_wrong_override_is_refused_in_one_line_and_nothing_is_written(
    workspace, override, expected
):
    before = (workspace.root / "params.yaml").read_bytes()
    with pytest.raises(StageError, match=re.escape(expected)) as caught, overridden([override]):
        pass
    assert "\n" not in str(caught.value)
    assert (workspace.root / "params.yaml").read_bytes() == before


def test_a_value_that_others_repeat_is_not_taken_from_them():
    text = OWN.replace("threads: 2", "threads: &two 2").replace("mistakes: 24", "mistakes: *two")
    with pytest.raises(StageError, match=r"params\.yaml: found undefined alias 'two'"):
        with_overrides(text, ["threads=3"])


def test_the_file_is_put_back_if_what_follows_fails(workspace):
    path = workspace.root / "params.yaml"
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), overridden(["threads=1"]):
        1 / path.read_bytes().count(b"threads: 2")
    assert path.read_bytes() == before
    with overridden(["threads=1"]):
        pass
    assert b"threads: 1" in path.read_bytes()
