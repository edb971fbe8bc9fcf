import pytest

from flows.changes import Change, Changes
from flows.pages import changes_page, results_page, stages_page
from flows.processes import Outcome
from tasks.params import Published
from tasks.report.results import Result


def result(name, accuracy=None, published=None):
    metrics = None
    if accuracy is not None:
        metrics = {"accuracy": accuracy, "accuracy_low": 0.5, "accuracy_high": 0.75, "n": 2000}
    return Result(name, name.title(), "pets", published, metrics)


def changes_of_accuracy(**accuracies):
    metrics = {f"data/metrics/{name}.json": {"accuracy": c} for name, c in accuracies.items()}
    return Changes("abc1234", {}, metrics)


def test_stages_that_ran_are_listed_and_the_unchanged_counted():
    page = stages_page(
        {
            "fetch@a": Outcome("unchanged"),
            "fit@a": Outcome("ran", 1234.56),
            "fit@b": Outcome("restored", 0.04),
            "gather": Outcome("unchanged"),
        }
    )
    assert page.summary == "1 ran, 1 restored and 2 unchanged."
    assert page.text == (
        "| Stage | State | Seconds |\n| --- | --- | --: |\n"
        "| `fit@a` | ran | 1,234.6 |\n| `fit@b` | restored | 0.0 |\n"
    )


def test_a_failure_stands_first_in_the_summary_with_its_last_lines_below():
    page = stages_page(
        {
            "fetch": Outcome("unchanged"),
            "list": Outcome("unchanged"),
            "fit": Outcome("failed", 2.0, "# no heading\n**nor** | a table"),
            "score": Outcome("not run", reason="needs fit"),
        }
    )
    assert page.summary == "1 failed, 1 not run and 2 unchanged."
    assert "| `fit` | **failed** | 2.0 |\n| `score` | not run: needs fit |  |\n" in page.text
    assert page.text.endswith("\n## fit failed\n\n    # no heading\n    **nor** | a table\n")


def test_a_long_line_of_a_failure_is_wrapped():
    page = stages_page({"fit": Outcome("failed", 1.0, f"{'word ' * 30}\n\nend")})
    lines = page.text.partition("## fit failed\n\n")[2].splitlines()
    assert max(map(len, lines)) <= 84
    assert " ".join(line.strip() for line in lines).split() == ["word"] * 30 + ["end"]
    assert all(line.startswith("    ") for line in lines)


def test_results_show_what_changed_since_the_last_commit():
    results = [
        result("better", 0.61238, Published(accuracy=0.7, by="A", scored_on="test")),
        result("worse", 0.6),
        result("same", 0.5),
        result("fresh", 0.5),
        result("later"),
    ]
    changes = changes_of_accuracy(
        better=Change(0.61, 0.61238), worse=Change(0.6012, 0.6), fresh=Change(None, 0.5)
    )
    page = results_page(results, changes)
    assert page.summary == "better +0.24, worse -0.12, fresh new since abc1234."
    assert page.text.splitlines()[2:] == [
        "| `better` | 61.24 % | +0.24 | 50.00 to 75.00 | 2,000 | 70.00 % |  |",
        "| `worse` | 60.00 % | -0.12 | 50.00 to 75.00 | 2,000 |  |  |",
        "| `same` | 50.00 % |  | 50.00 to 75.00 | 2,000 |  |  |",
        "| `fresh` | 50.00 % | new | 50.00 to 75.00 | 2,000 |  |  |",
        "| `later` | not trained yet |  |  |  |  |  |",
        "",
        "Accuracy on the test sets; change in points since abc1234.",
    ]


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        (changes_of_accuracy(), "No accuracy changed since abc1234."),
        (changes_of_accuracy(gone=Change(0.5, None)), "No accuracy changed since abc1234."),
        (None, "Not compared: there is no commit yet."),
    ],
)
def test_results_may_have_nothing_to_differ_from(changes, summary):
    assert results_page([result("pets", 0.5), result("gone")], changes).summary == summary


def test_what_did_not_change_has_no_page():
    assert changes_page(Changes("abc1234", {}, {})) is None


def test_changes_are_numbers_with_their_difference():
    params = {
        "params.yaml": {
            "rate": Change(1, 3),
            "kind": Change("a|b", "*c*"),
            "new": Change(None, True),
        }
    }
    page = changes_page(Changes("abc1234", params, {}))
    assert page.summary == "3 parameters and 0 metrics changed since abc1234."
    assert page.text.splitlines()[:7] == [
        "## Parameters in params.yaml",
        "",
        "|  | Before | Now | Change |",
        "| --- | --: | --: | --: |",
        "| `rate` | 1 | 3 | +2 |",
        r"| `kind` | a\|b | \*c\* |  |",
        "| `new` |  | True |  |",
    ]


def test_of_the_metrics_of_single_classes_only_those_that_moved_most_are_shown():
    classes = {f"recall.{i}": Change(0.5, 0.5 + i / 100) for i in range(1, 10)}
    metrics = {"m.json": {**classes, "recall.new": Change(None, 1), "accuracy": Change(0.5, 0.25)}}
    page = changes_page(Changes("abc1234", {}, metrics))
    assert page.summary == "0 parameters and 11 metrics changed since abc1234."
    names = [line.split("`")[1] for line in page.text.splitlines() if line.startswith("| `")]
    assert names == ["accuracy", "recall.5", "recall.6", "recall.7", "recall.8", "recall.9"]
    assert "\n5 others changed less.\n" in page.text
    assert page.text.endswith("All of it: `dvc metrics diff abc1234`.")
