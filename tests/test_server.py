import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows.server import ensure_server, make_home
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


def test_the_server_that_is_named_is_asked(api):
    ensure_server()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/api", r"\[Errno 111\] Connection refused"),
        ("localhost:4200/api", "Request URL has an unsupported protocol 'localhost://'"),
        ("{server}/apj", "Client error '404 Not Found' for url"),
        ("{web}", "Expecting value: line 1 column 1"),
    ],
)
def test_an_address_without_a_server_is_named_with_what_to_do(server, web, url, why):
    web.files["health"] = b"<html>"
    url = url.format(server=server, web=web.root)
    expected = rf"no Prefect server answers at '{url}': {why}.* Start it \(prefect server start"
    with (
        temporary_settings({PREFECT_API_URL: url}),
        pytest.raises(StageError, match=expected) as caught,
    ):
        ensure_server()
    assert "\n" not in str(caught.value)
