import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

COMPILES = re.compile("njit|intrinsic")

COVERED = """
import numpy as np
from tasks.images.warp import Moves, warp
affine = np.array([[[1.0, 0, 0], [0, 1, 0]]])
one, zero = np.ones((1, 1)), np.zeros((1, 1))
square, word = np.array([[0.0, 0, 2, 2]]), np.array([5], np.uint64)
picture = np.full((1, 4, 4, 1), 9, np.uint8)
moves = Moves(affine, one, zero, one[0], square, word)
shown = warp(picture, moves, size=(4, 4), border="zero", deviation=0.0)
print(shown[0, 0, 0, 0], shown[0, 3, 3, 0])
"""


def test_a_kernel_is_compiled_anew_when_one_of_another_file_changes(tmp_path):
    house = tmp_path / "tasks"
    shutil.copytree(tasks.HOUSE, house, ignore=shutil.ignore_patterns("__pycache__"))

    def shown():
        command = [sys.executable, "-c", COVERED]
        return subprocess.check_output(command, cwd=tmp_path, text=True).split()

    before = shown()
    assert before[0] != "7"
    cover = house / "images" / "warp" / "cover.py"
    text = cover.read_text(encoding="utf-8")
    cover.write_text(text.replace("np.uint8(colour)", "np.uint8(7)"), encoding="utf-8")
    assert shown() == ["7", "9"]
    cover.write_text(text, encoding="utf-8")
    assert shown() == before
    assert len(list(house.glob("__pycache__/kernels-*"))) == 2


@pytest.mark.parametrize(
    "path", tasks.kernels(), ids=lambda p: p.relative_to(tasks.HOUSE).as_posix()
)
def test_what_a_kernel_is_made_of_stands_in_files_that_the_cache_knows(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sources = {
        name.asname or name.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tasks.")
        for name in node.names
    }
    compiled = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(COMPILES.search(ast.unparse(each)) for each in node.decorator_list)
    ]
    assert compiled
    used = {node.id for each in compiled for node in ast.walk(each) if isinstance(node, ast.Name)}
    known = {file.relative_to(tasks.HOUSE.parent) for file in tasks.kernels()}
    for name in used & sources.keys():
        module = Path(*sources[name].split("."))
        places = {module.with_suffix(".py"), module / f"{name}.py"}
        assert places & known, f"the cache does not see a change of {name} in {sources[name]}"
