"""From predictions to a verdict, without a repository."""

import json

import numpy as np
import pandas as pd
import pytest

from tasks.review import markdown, terminal
from tasks.review.difference import Difference, judge
from tasks.review.figures import measure


def images(both=0, gained=0, lost=0, neither=0, label="cat", other="dog"):
    """Return a row per image, right and wrong as often as asked."""
    said = [(label, label)] * both + [(other, label)] * gained
    said += [(label, other)] * lost + [(other, other)] * neither
    rows = [
        (f"{label}/{i:04}", label, was, now, 0.9 if was == label else i / 1e4, 0.5)
        for i, (was, now) in enumerate(said)
    ]
    return pd.DataFrame(rows, columns=["id", "label", "was", "now", "p_was", "p_now"]).set_index(
        "id"
    )


def verdicts(*outcomes):
    """Return the verdicts of experiments that are judged together."""
    measured = [(str(at), (), measure(rows)) for at, rows in enumerate(outcomes)]
    return [difference.verdict for difference in judge(measured)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (images(both=90, gained=6), "better"),
        (images(both=90, lost=6), "worse"),
        (images(both=90, gained=5), "cannot tell"),
        (images(both=90, gained=30, lost=30), "cannot tell"),
        (images(both=90, neither=9), "unchanged"),
        (images(gained=1), "cannot tell"),
        (images(neither=1), "unchanged"),
    ],
)
def test_a_verdict_is_more_than_chance(rows, expected):
    assert verdicts(rows) == [expected]


def test_swapped_sides_mirror_every_figure():
    rows = pd.concat([images(50, 12, 3), images(40, 2, 9, label="dog", other="cat")])
    swapped = rows.rename(columns={"was": "now", "now": "was", "p_was": "p_now", "p_now": "p_was"})
    there, back = measure(rows), measure(swapped)
    assert back.accuracies == there.accuracies[::-1]
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert (back.p, back.resolution) == (there.p, there.resolution)
    assert [f.id for f in back.flips] == [f.id for f in there.flips]


def test_many_experiments_make_one_careful():
    few = images(both=90, gained=6)
    assert verdicts(few, *[images(both=90, gained=3, lost=2)] * 4) == ["cannot tell"] * 5
    assert verdicts(few, *[images(both=90)] * 4) == ["better"] + ["unchanged"] * 4


def test_classes_that_changed_are_found_among_many():
    tables = [images(40, 1, 1, label=f"c{i}", other="x") for i in range(9)]
    figures = measure(pd.concat([*tables, images(30, 0, 14, label="lost", other="x")]))
    assert [change.name for change in figures.classes] == ["lost"]
    assert figures.classes[0].p == pytest.approx(10 * 2 * 0.5**14)
    assert measure(pd.concat([*tables, images(30, 0, 6, label="few", other="x")])).classes == []


def test_pictures_that_flipped_come_first_where_the_label_moved_most():
    rows = images(both=3, gained=2, lost=2)
    rows.loc["cat/0004", "p_now"] = 0.99
    rows.loc[["cat/0000"], ["was", "now"]] = ["dog", "cow"]  # wrong both times, but another class
    flips = measure(rows).flips
    assert [flip.id for flip in flips] == [
        "cat/0004",
        "cat/0003",
        "cat/0000",
        "cat/0005",
        "cat/0006",
    ]
    moved = [abs(flip.p_now - flip.p_was) for flip in flips]
    assert moved == sorted(moved, reverse=True)
    assert flips[2][1:4] == ("cat", "dog", "cow")


def random_rows(seed):
    rng = np.random.default_rng(seed)
    return images(*(int(n) for n in rng.integers(0, 40, 4)))


@pytest.mark.parametrize("seed", range(5))
def test_json_has_every_figure_and_nothing_that_json_lacks(seed):
    [difference] = judge([("a", ("note",), measure(random_rows(seed)))])
    told = json.loads(json.dumps(difference.as_json(), allow_nan=False))
    assert told["n"] == sum(told["pairs"].values())
    gained, lost = told["pairs"]["gained"], told["pairs"]["lost"]
    assert told["accuracy"]["difference"] == pytest.approx((gained - lost) / told["n"])
    assert len(told["flips"]) == gained + lost
    assert told["verdict"] == difference.verdict


# ---- shown ----------------------------------------------------------------------------

EVIL = "@all | <img src=x> [a](b) `c`\n# d"


def test_markdown_shows_names_as_they_are():
    found = judge([(EVIL, (EVIL,), measure(images(90, 9, label=EVIL)))])
    text = markdown.show(EVIL, [*found, Difference(EVIL, "unchanged")], most=5)
    assert not set("@[]`\\*~") & set(text)
    assert "<img" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table[:3]} == {7}
    assert text.count("<details>") == text.count("</details>") == 1


def test_markdown_is_short_where_nothing_changed():
    names = ["a", "b", "c"]
    text = markdown.show("x → y", [Difference(name, "unchanged") for name in names], most=5)
    assert text.split("\n", 1) == ["### x → y", "\n\nUnchanged: a, b, c.\n"]


def test_a_terminal_of_80_columns_holds_the_table(capsys):
    name = "cats_vs_dogs_augmented"
    found = judge([(name, (), measure(images(400, 90, 500)))])
    group = terminal.show(
        "before → after", [*found, Difference(name, "cannot compare", ("why",))], 3
    )
    terminal.Console(width=80).print(group)
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith(f"{name} ")]
    assert len(rows) == 2
    low, high = (f"{100 * end:+.2f}" for end in (found[0].figures.low, found[0].figures.high))
    assert rows[0].split() == [name, "90.91", "49.49", "-41.41", low, "to", high, "worse"]
    assert rows[1].split() == [name, "cannot", "compare"]
    assert f"{name}: Why." in lines
