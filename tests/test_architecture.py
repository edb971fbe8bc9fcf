"""The rules of the house, each one a test: who may import whom, and how long a room may be."""

import ast
import functools
import itertools
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml

from tasks.params import Params, load_params

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(p.relative_to(ROOT) for top in ("tasks", "flows") for p in (ROOT / top).rglob("*.py"))
TASKS = [path for path in CODE if path.parts[0] == "tasks"]
VERBS = [p for p in TASKS if len(p.parts) == 2 and p.name != "__init__.py"]
NOUNS = [path for path in TASKS if len(path.parts) > 2]
RUNS_NETWORKS = {path for path in NOUNS if path.parts[1:3] == ("models", "network")}
ROOM_FOR_KERNELS = Path("tasks/__init__.py")  # where they are kept is no part of any output
BANNED = re.compile(r"manager|helper|utils?|common|misc|base|handler")

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]


# ---- what the code says about itself --------------------------------------------------


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def names(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(name: str) -> Path | None:
    """Return our file that holds a name: a module, a package, or something in one of them."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        stem = Path(*parts[:end])
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if (ROOT / path).is_file():
                return path
    return None


@functools.cache
def imports(path: Path) -> frozenset[Path]:
    """Return our files that a file names in its imports."""
    return frozenset(file for name in names(path) if (file := file_of(name))) - {path}


def reached(path: Path) -> set[Path]:
    """Return our files that run when a file does, the `__init__.py` of their folders with them."""
    found, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            packages = [folder / "__init__.py" for folder in file.parents[:-1]]
            waiting += [*imports(file), *packages]
    return found


def users(module: str, files: Iterable[Path] = CODE) -> set[Path]:
    """Return the files that import a module or something in it."""
    return {p for p in files if any(f"{name}.".startswith(f"{module}.") for name in names(p))}


def has_code(path: Path) -> bool:
    return any(
        not isinstance(getattr(node, "value", None), ast.Constant) for node in tree(path).body
    )


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


def body_lines(function: ast.FunctionDef) -> int:
    """Count the lines of a function below its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


# ---- who may import whom --------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS, ids=str)
def test_a_verb_imports_no_other_verb(verb):
    assert imports(verb) & set(VERBS) == set()


@pytest.mark.parametrize("noun", NOUNS, ids=str)
def test_a_noun_imports_no_verb(noun):
    assert imports(noun) & set(VERBS) == set()


def test_imports_are_absolute():
    froms = (node for path in CODE for node in ast.walk(tree(path)))
    assert all(node.level == 0 for node in froms if isinstance(node, ast.ImportFrom))


def test_tasks_know_nothing_of_flows():
    assert users("flows", TASKS) == set()


def test_measures_know_neither_models_nor_datasets():
    measures = [path for path in NOUNS if path.parts[1] == "measures"]
    assert users("tasks.models", measures) | users("tasks.datasets", measures) == set()


def test_only_flows_know_prefect():
    assert users("prefect", TASKS) == set()


def test_only_what_reads_the_graph_and_what_becomes_dvc_know_its_inside():
    inside = {p for p in users("dvc") if any(re.match(r"dvc\.(?!api\b)", n) for n in names(p))}
    assert inside <= {Path("flows/stages.py"), Path("flows/stage_process.py")}


def test_only_what_trains_or_runs_a_network_imports_keras():
    assert users("keras") | users("tensorflow") <= RUNS_NETWORKS


def test_only_convnets_and_what_lists_devices_import_jax():
    convnet = {path for path in NOUNS if path.parts[1:3] == ("models", "convnet")}
    assert users("jax") <= convnet | {Path("tasks/models/network/device.py")}


def test_families_of_models_know_nothing_of_each_other():
    families = [p for p in NOUNS if p.parts[1] == "models" and len(p.parts) > 3]
    for path in families:
        assert {p.parts[2] for p in imports(path) if p in families} <= {path.parts[2]}


def test_only_evaluate_reads_test_rows():
    readers = {path for path in CODE if any(n.endswith(".test_rows") for n in names(path))}
    mentions = {path for path in CODE if "test_rows" in (ROOT / path).read_text("utf-8")}
    assert readers <= {Path("tasks/evaluate.py")}
    assert mentions <= {Path("tasks/evaluate.py"), Path("tasks/images/samples.py")}


def test_there_are_no_import_circles():
    try:
        TopologicalSorter({path: imports(path) for path in CODE}).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(str(path) for path in error.args[1]), pytrace=False)


@pytest.mark.parametrize("verb", [*VERBS, Path("flows/retrain.py")], ids=str)
def test_help_starts_without_tensorflow(verb):
    command = [sys.executable, "-X", "importtime", "-m", ".".join(verb.with_suffix("").parts)]
    asked = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr[-500:]
    assert "usage:" in asked.stdout
    assert not re.search(r"\| +(tensorflow|keras|jax)$", asked.stderr, re.MULTILINE)


# ---- what dvc.yaml says ---------------------------------------------------------------


FAMILIES = [path.parent.name for path in (ROOT / "tasks/models").glob("*/training.py")]


def dependencies(stage: str) -> set[Path]:
    """Return what a stage lists of our code, for the models of all families."""
    entry = STAGES[stage].get("do", STAGES[stage])
    return {
        Path(dep.replace("${item.train.model}", family))
        for dep in entry["deps"]
        for family in FAMILIES
        if dep.startswith("tasks/")
    }


@pytest.mark.parametrize("stage", STAGES)
def test_changed_code_makes_its_stage_run_again(stage):
    listed = dependencies(stage)
    needed = {path for path in reached(Path(f"tasks/{stage}.py")) if has_code(path)}
    missing = {path for path in needed if not listed & {path, *path.parents}}
    missing -= {ROOM_FOR_KERNELS}
    assert missing == set(), f"dvc.yaml: add them to the deps of {stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_code_that_a_stage_does_not_use_does_not_make_it_run_again(stage):
    needed = reached(Path(f"tasks/{stage}.py"))
    files = {path for path in dependencies(stage) if path.suffix == ".py"}
    assert files <= needed, f"dvc.yaml: remove them from the deps of {stage}"
    assert all((ROOT / path).exists() for path in dependencies(stage))


@pytest.mark.parametrize("stage", [s for s in STAGES if "dataset" in str(STAGES[s].get("do"))])
def test_who_learns_waits_for_the_verdict_of_check(stage):
    learns = any(re.search(r"\.(train|val)_rows$", n) for n in names(Path(f"tasks/{stage}.py")))
    verdict = "data/checks/${item.dataset}/verdict.json"
    assert learns == (verdict in STAGES[stage]["do"]["deps"])


def test_every_verb_that_dvc_runs_is_a_stage_of_its_name():
    for name, stage in STAGES.items():
        assert stage.get("do", stage)["cmd"].startswith(f"python -m tasks.{name}")


# ---- numbers --------------------------------------------------------------------------


def test_params_yaml_is_valid_and_its_schema_fresh():
    load_params(ROOT / "params.yaml")
    schema = json.loads((ROOT / "params.schema.json").read_text("utf-8"))
    assert schema == Params.model_json_schema(), "run: python -m tasks.params"


# ---- how the code reads ---------------------------------------------------------------


@pytest.mark.parametrize("path", CODE, ids=str)
def test_a_module_fits_on_a_few_screens(path):
    lines = (ROOT / path).read_text("utf-8").count("\n")
    assert lines <= 200
    assert [f.name for f in functions(path) if body_lines(f) > 50] == []


def test_most_functions_are_a_few_lines():
    assert statistics.median(body_lines(f) for path in CODE for f in functions(path)) <= 8


@pytest.mark.parametrize("path", CODE, ids=str)
def test_names_say_what_things_are(path):
    definitions = (ast.FunctionDef, ast.ClassDef)
    named = [node.name for node in ast.walk(tree(path)) if isinstance(node, definitions)]
    words = re.findall("[A-Z]?[a-z]+", " ".join([path.stem, *named]))
    assert [word for word in words if BANNED.fullmatch(word.lower())] == []


# ---- errors ---------------------------------------------------------------------------


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the string constants in a piece of code, as words between single spaces."""
    for constant in ast.walk(node):
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
            plain = re.sub(r"\\.", " ", constant.value.lower())  # without the signs of a pattern
            yield f" {' '.join(re.findall('[a-z0-9_]+', plain))} "


def pairs(text: str) -> set[str]:
    """Return each two neighbouring words of a text."""
    words = text.split()
    return {f" {first} {second} " for first, second in itertools.pairwise(words)}


def raised(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield where a file raises `StageError`, and what it always says there."""
    for node in ast.walk(tree(path)):
        call = getattr(node, "exc", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "StageError":
            yield f"{path}:{node.lineno}", {pair for text in texts(call) for pair in pairs(text)}


@functools.cache
def quoted(path: Path) -> str:
    """Return what the tests say that import a file or are named after it."""
    tests = [test.relative_to(ROOT) for test in (ROOT / "tests").glob("test_*.py")]
    own = [test for test in tests if path in imports(test) or test.stem == f"test_{path.stem}"]
    return "|".join(text for test in own for text in texts(tree(test)))


def test_a_test_quotes_every_error_that_a_person_may_see():
    silent = [
        at
        for path in CODE
        for at, said in raised(path)
        if said and not any(pair in quoted(path) for pair in said)
    ]
    assert not silent, "no test quotes the error raised at " + ", ".join(silent)
