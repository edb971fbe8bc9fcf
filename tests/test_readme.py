import re

import pytest

from tasks.params import load_params
from tasks.report.readme import TABLES, with_table
from tasks.report.results import read_results
from tasks.stage import StageError
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_results_in_the_readme_are_those_of_data_metrics(monkeypatch):
    monkeypatch.chdir(ROOT)
    results = read_results(load_params())
    for name, table in TABLES.items():
        assert with_table(TEXT, table(results), name) == TEXT, "run: python -m tasks.report.readme"


def test_a_readme_without_a_place_for_the_results_is_refused():
    with pytest.raises(StageError, match=r"no place for the results in 'README\.md': expected the"):
        with_table("# title\n", "| table |\n")


def test_every_target_and_module_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)`?(?: |$)", TEXT, re.MULTILINE)) <= targets
    for module in set(re.findall(r"python -m ((?:tasks|flows)\.[a-z.]+[a-z])", TEXT)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_path_in_the_map_exists():
    for path in re.findall(r"`((?:tasks|flows|tests)/[a-z_/]+(?:\.py)?)`", TEXT):
        assert (ROOT / path).exists(), path
