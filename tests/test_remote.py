import pytest

from flows.remote import check_can_push, push
from tasks.stage import StageError


def test_outputs_of_the_named_stages_and_the_run_cache_are_pushed(project, tmp_path):
    project.dvc("repro")
    project.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    check_can_push()
    push(["fit@quick"])
    assert len(list((tmp_path / "store" / "files").glob("md5/*/*"))) == 1
    assert len(list((tmp_path / "store").glob("runs/*/*"))) > 1
    push(["fit@quick", "fit@slow"])
    assert len(list((tmp_path / "store" / "files").glob("md5/*/*"))) == 2


def test_a_project_without_a_remote_is_told_how_to_name_one(project, tmp_path):
    expected = r"^cannot push: DVC has no default remote\. Name one: dvc remote add --default NAME"
    with pytest.raises(StageError, match=expected):
        check_can_push()
    project.dvc("remote", "add", "not-the-default", str(tmp_path / "store"))
    with pytest.raises(StageError, match=expected):
        check_can_push()


def test_what_dvc_says_of_a_remote_that_takes_nothing_is_told_in_one_line(project, tmp_path):
    project.dvc("repro", "fetch@a")
    (tmp_path / "file").touch()
    project.dvc("remote", "add", "--default", "store", str(tmp_path / "file"))
    with pytest.raises(StageError, match=r"^`dvc push` failed: .*/file") as caught:
        push(["fetch@a"])
    assert "\n" not in str(caught.value)
