import re

import pytest

from flows.care import Care
from flows.graph import Graph, Stage, ready, select
from flows.stages import changed, read_graph
from tasks.stage import StageError

from .conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

EVERYTHING = [
    "photos.dvc", "fetch@a", "fetch@b", "fit@slow", "fit@quick", "score@slow", "score@quick",
    "gather",
]  # fmt: skip


def graph_of(gpu: str = "", **upstream: str) -> Graph:
    """Make a graph from `stage="needed needed"`; `__` stands for `@`, `gpu` lists who uses it."""
    names = {name.replace("__", "@"): needs.split() for name, needs in upstream.items()}
    return {
        name: Stage(name, frozenset(needs), Care(resource="gpu" if name in gpu.split() else None))
        for name, needs in names.items()
    }


def test_the_graph_is_read_from_dvc_with_data_files_and_instances(project):
    graph = read_graph()
    assert list(graph) == EVERYTHING
    assert graph["fetch@a"].upstream == {"photos.dvc"}
    assert graph["score@slow"].upstream == {"fit@slow"}
    assert graph["gather"].upstream == {"score@slow", "score@quick"}


def test_care_comes_from_the_meta_of_dvc_yaml_and_not_from_that_of_a_data_file(project):
    path = project.root / "photos.dvc"
    path.write_text(path.read_text() + "meta: {retries: 5, album: summer}\n")
    graph = read_graph()
    assert graph["fit@slow"].care == Care(timeout_s=30)
    assert graph["gather"].care == graph["photos.dvc"].care == Care()


def test_only_downloads_are_tried_again(monkeypatch):
    monkeypatch.chdir(ROOT)
    tried_again = {address for address, stage in read_graph().items() if stage.care.retries}
    assert {address.partition("@")[0] for address in tried_again} == {"download"}


def test_a_folder_without_dvc_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StageError, match="not inside of a DVC repository"):
        read_graph()


def test_a_broken_dvc_yaml_is_told_in_one_line(project):
    (project.root / "dvc.yaml").write_text("stages:\n  fit:\n    comand: true\n")
    with pytest.raises(StageError, match=r"dvc\.yaml") as caught:
        read_graph()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sets: [\nrecipes: {}\n", r"line \d: did not find expected ',' or '\]'"),
        ("sets: {}\nrecipes: {}\nsets: {}\n", 'line 3: found duplicate key "sets"'),
    ],
)
def test_a_broken_params_yaml_is_told_with_its_line(project, text, said):
    (project.root / "params.yaml").write_text(text)
    with pytest.raises(StageError, match=rf"'params\.yaml'.*: {said}") as caught:
        read_graph()
    assert "\n" not in str(caught.value)


def test_an_experiment_brings_what_it_needs_and_what_gathers_the_results(project):
    chosen = select(read_graph(), ["quick"])
    assert list(chosen) == ["photos.dvc", "fetch@b", "fit@quick", "score@quick", "gather"]
    assert chosen["gather"].upstream == {"score@quick"}


def test_no_name_means_everything(project):
    assert list(select(read_graph(), [])) == EVERYTHING


def test_every_final_stage_of_an_experiment_is_chosen_and_no_sibling():
    graph = graph_of(
        split__d="", sheet__x="split@d", train__x="split@d", test__x="train@x",
        train__y="split@d", report="sheet@x test@x train@y", letter="report", other="",
    )  # fmt: skip
    assert list(select(graph, ["x"])) == [
        "split@d", "sheet@x", "train@x", "test@x", "report", "letter",
    ]  # fmt: skip


def test_what_gathers_the_results_comes_with_what_it_needs_itself():
    graph = graph_of(
        words="", spell="words", train__x="", train__y="", both="train@y",
        report="spell train@x both",
    )  # fmt: skip
    assert list(select(graph, ["x"])) == ["words", "spell", "train@x", "both", "report"]


def test_a_dataset_can_be_named_too():
    graph = graph_of(fetch__d="", split__d="fetch@d", train__x="split@d", report="train@x")
    assert list(select(graph, ["d"])) == ["fetch@d", "split@d"]


def test_an_unknown_name_is_refused_with_the_known_ones():
    graph = graph_of(split__digits="", train__digits_cnn="split@digits")
    expected = re.escape(
        "unknown name 'digits_cn': dvc.yaml has digits, digits_cnn. Did you mean 'digits_cnn'?"
    )
    with pytest.raises(StageError, match=expected):
        select(graph, ["digits_cn"])


def begin(graph, begun, ended, workers=9):
    return [s.address for s in ready(graph, set(begun.split()), set(ended.split()), workers)]


def test_stages_begin_when_all_that_they_need_has_ended():
    graph = graph_of(a="", b="", c="a b", d="b")
    assert begin(graph, "", "") == ["a", "b"]
    assert begin(graph, "a b", "b") == ["d"]
    assert begin(graph, "a b d", "a b") == ["c"]
    assert begin(graph, "a b c d", "a b") == []


def test_no_more_stages_run_than_there_are_workers():
    graph = graph_of(a="", b="", c="", d="")
    assert begin(graph, "", "", workers=2) == ["a", "b"]
    assert begin(graph, "a b", "", workers=2) == []
    assert begin(graph, "a b", "a", workers=2) == ["c"]


def test_a_stage_lets_others_go_first_while_its_resource_is_in_use():
    graph = graph_of(gpu="a b", a="", b="", c="", d="")
    assert begin(graph, "", "", workers=2) == ["a", "c"]
    assert begin(graph, "a c", "c", workers=2) == ["d"]
    assert begin(graph, "a c", "a", workers=2) == ["b"]


def test_changed_are_the_stages_that_dvc_could_not_skip(project):
    assert list(changed(read_graph())) == EVERYTHING[1:]
    assert project.dvc("repro").returncode == 0
    assert changed(read_graph()) == {}

    project.write_recipes(quick={"rate": 3})
    assert list(changed(read_graph())) == ["fit@quick", "score@quick", "gather"]

    project.write_recipes()
    (project.root / "out" / "raw-a").unlink()
    stale = changed(read_graph())
    assert list(stale) == ["fetch@a", "fit@slow", "score@slow", "gather"]
    assert stale["gather"].upstream == {"score@slow"}
    assert list(changed(select(read_graph(), ["quick"]))) == []


def test_a_status_that_dvc_refuses_is_passed_on(project):
    with pytest.raises(StageError, match=r"`dvc status` failed: .*'nowhere'"):
        changed(graph_of(nowhere=""))
