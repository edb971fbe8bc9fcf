import pytest
from prefect.settings import PREFECT_HOME, temporary_settings

from flows.server import make_home
from tasks.stage import StageError


def test_prefects_folder_is_made_with_its_parents(tmp_path):
    with temporary_settings({PREFECT_HOME: tmp_path / "no home" / ".prefect"}):
        make_home()
    assert (tmp_path / "no home" / ".prefect").is_dir()


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    expected = (
        r"cannot make Prefect's folder '.*file/\.prefect': Not a directory\. "
        r"Set PREFECT_HOME to a folder that can be written\."
    )
    with (
        temporary_settings({PREFECT_HOME: tmp_path / "file" / ".prefect"}),
        pytest.raises(StageError, match=expected),
    ):
        make_home()
