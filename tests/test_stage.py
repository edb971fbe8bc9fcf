import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.stage import TIMINGS, PlainProgress, StageError, fail, replacing, timed, written


def test_an_error_is_one_line_and_status_1(capsys):
    with pytest.raises(SystemExit) as ended:
        fail(StageError("something is wrong: expected a, got b. Do c."))
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: something is wrong: expected a, got b. Do c.\n"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    written(path, "old\n")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert path.read_text() == "old\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_text_file_does_not_take_the_place_of_a_folder(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept.txt").write_text("kept")
    monkeypatch.chdir(tmp_path)
    for path in (Path("mine"), Path()):
        with pytest.raises(StageError, match="is a folder: expected the name of a file to write"):
            written(path, "text")
    assert (tmp_path / "mine" / "kept.txt").read_text() == "kept"


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "model"
    for content in ("first", "second"):
        with replacing(folder) as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [f.name for f in folder.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    left = tmp_path / f".a [b].txt.{dead.pid}.part"
    left.mkdir()
    (left / "half").write_text("half")
    living = tmp_path / f".a [b].txt.{os.getppid()}.part"
    living.write_text("in progress")
    written(tmp_path / "a [b].txt", "whole")
    assert not left.exists()
    assert living.exists()


def test_plain_progress_speaks_now_and_then(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 12.0, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    bar = PlainProgress("epochs", 40)
    for _ in range(3):
        bar.advance(5)
    assert capsys.readouterr().err == "epochs: 10 of 40, 36 s left\n"


def test_durations_are_written_apart_and_only_on_success(workspace):
    with pytest.raises(ZeroDivisionError), timed("fails"):
        raise ZeroDivisionError
    with timed("train@x"):
        pass
    assert [p.name for p in TIMINGS.iterdir()] == ["train@x.json"]


def test_who_stops_reading_ends_a_command_without_a_word():
    code = (
        "from tasks.stage import errors_in_one_line\n"
        "with errors_in_one_line():\n"
        "    while True: print('line', flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    with process.stderr as said:
        assert said.read() == ""
