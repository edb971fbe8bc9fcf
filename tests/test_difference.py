"""From predictions to a verdict, without a repository."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.review import markdown, terminal
from tasks.review.difference import Difference, judge
from tasks.review.figures import measure
from tasks.review.room import Room


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
    text = markdown.show(EVIL, [*found, Difference(EVIL, "unchanged")], 5, EVIL)
    assert not set("@[]`\\*~") & set(text)
    assert "<img" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table[:3]} == {7}
    assert text.count("<details>") == text.count("</details>") == 1


def shown(text):
    """Return what a reader of Markdown sees of a text, and whoever looks for links in it."""
    return html.unescape(markdown.plain(text))


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("https://evil.example/x", "://"),
        ("ftp://evil.example", "://"),
        ("see www.evil.example", "www."),
        ("WWW.evil.example", "WWW."),
        ("@bob", "@b"),
        ("a/@bob", "@b"),
        ("\u00e9@bob", "@b"),
        ("_@bob", "@b"),
        ("bob@evil.example", "@e"),
        ("mailto:bob@evil.example", "@e"),
        ("#12", "#1"),
        ("org/repo#12", "#1"),
        ("GH-12", "GH-"),
        ("gh-12", "gh-"),
        (":tada:", ":t"),
    ],
)
def test_names_make_no_link_no_mention_and_no_emoji(text, linked):
    assert linked in text
    assert linked not in shown(text)
    assert shown(text).replace("\u200b", "") == text


def test_what_links_to_nothing_can_be_copied():
    for text in ("run dvc repro evaluate@mnist_cnn there.", "GHX-1, high-5, p = 0.5: fine", "www"):
        assert shown(text) == text
    assert markdown.plain("mnist_mlp → mnist_cnn") == "mnist_mlp → mnist_cnn"
    assert [markdown.plain(text) for text in ("-1.00", "+0.46", "95.00")] == [
        "-1.00", "+0.46", "95.00",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["_dog_", "- x", "+ x", "1. x", "12) x", "    x", "__x"])
def test_names_that_would_be_set_otherwise_are_shown_as_they_are(text):
    assert shown(text) == text
    assert not re.search(r"^(\s|[-+] |\d+[.)] )|\b_|_\b|^_", markdown.plain(text))


@given(st.text(st.characters(exclude_categories=("C",)), max_size=40))
def test_any_name_reads_as_it_is(text):
    assert shown(text).replace("\u200b", "") == text.replace("\u200b", "")


@pytest.mark.parametrize("most", [-1, -2, 0])
def test_no_picture_is_listed_where_none_is_wanted(most):
    huge = many(1, 4, note="x")[0]
    text = markdown.details_that_fit(huge, most, Room(300))
    assert "| cat/" not in "".join(text)


def test_markdown_is_short_where_nothing_changed():
    names = ["a", "b", "c"]
    text = markdown.show("x → y", [Difference(name, "unchanged") for name in names], 5, "")
    assert text.split("\n", 1) == ["### x → y", "\n\nUnchanged: a, b, c.\n"]


def test_markdown_says_first_what_was_not_compared():
    gap = Difference("a", "missing", ("why",))
    text = markdown.show("x", [gap, Difference("b", "unchanged"), Difference("c", "new")], 5, "")
    expected = (
        "**1 of 2 experiments could not be compared: nobody knows whether a got better or wor"
    )
    assert text.split("\n")[2:4] == ["> [!CAUTION]", text.split("\n")[3]]
    assert expected in text.split("\n")[3]
    assert "- a: why" in text
    nothing = markdown.show("x", [gap, Difference("c", "gone")], 5, "")
    assert "> **Nothing was compared: nobody knows whether a got better or worse.**" in nothing
    many = markdown.show("x", [Difference(str(n), "cannot compare") for n in range(10)], 5, "")
    assert "whether 0, 1, 2, 3, 4, 5, 6, 7 or 2 more got" in many


def many(n, flips, note="why"):
    """Return differences of many experiments, every tenth of them worse, and one unchanged."""
    rows = measure(images(both=40, gained=flips // 2, lost=flips - flips // 2))
    verdicts = ["worse" if at % 10 == 7 else "cannot tell" for at in range(n)]
    changed = [Difference(f"e{at}", v, (note,), rows, 0.5) for at, v in enumerate(verdicts)]
    return [*changed, Difference("still", "unchanged")]


COMMAND = "python -m tasks.compare a1b2c3d --html review.html"


@pytest.mark.parametrize(
    ("differences", "most", "cut"),
    [
        (many(120, 10), 5, r"\d+ folded parts"),
        (many(300, 10, "why " * 40), 5, r"\d+ notes and 300 folded parts"),
        (many(1, 5000), 5000, r"[34],\d+ pictures"),
        (many(2000, 2), 5, r"[\d,]+ rows, [\d,]+ notes and 2,000 folded parts"),
        (many(3, 5, "x" * 70_000), 5, "3 notes"),
        ([Difference("e" * 9 + f"{n:05}", "unchanged") for n in range(9000)], 5, r"\d,\d+ names"),
    ],
    ids=["experiments", "notes", "pictures", "rows", "one huge note", "names"],
)
def test_markdown_fits_into_a_comment_and_says_what_was_cut(differences, most, cut):
    text = markdown.show("x → y", differences, most, COMMAND)
    assert len(text) <= markdown.LIMIT < 65_536
    [line] = [line for line in text.splitlines() if line.startswith("Cut to fit into a comment:")]
    assert re.fullmatch(
        rf"Cut to fit into a comment: {cut}\. <code>{COMMAND}</code> shows all\.", line
    )
    assert text.count("<details>") == text.count("</details>")
    worse = [d.name for d in differences if d.verdict == "worse"]
    assert all(f"\n| {name} |" in text for name in worse)
    assert len(text) > markdown.LIMIT // 2 or cut == "3 notes"


def test_markdown_that_fits_cuts_nothing():
    text = markdown.show("x → y", many(30, 10), 5, COMMAND)
    assert "Cut to fit" not in text
    assert text.count("</details>") == 30
    assert text.count("| cat/") == 150


def test_a_terminal_of_80_columns_holds_the_table(capsys):
    name = "cats_vs_dogs_augmented"
    found = judge([(name, (), measure(images(400, 90, 500)))])
    group = terminal.show(
        "before → after", [*found, Difference(name, "cannot compare", ("why",))], 3
    )
    terminal.Console(width=80).print(group)
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith(f"{name}  ")]
    assert len(rows) == 2
    low, high = (f"{100 * end:+.2f}" for end in (found[0].figures.low, found[0].figures.high))
    assert rows[0].split() == [name, "90.91", "49.49", "-41.41", low, "to", high, "worse"]
    assert rows[1].split() == [name, "cannot", "compare"]
    assert f"{name}: Why." in lines
