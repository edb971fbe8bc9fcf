"""Which places have a dataset, asked of a real server and of real folders."""

import pytest

from flows.doctor.sources import examine, mirror

from .prefect_server import free_port


@pytest.fixture
def digits(workspace, own_params):
    """Enter a workspace with one dataset."""
    only = {"digits": own_params["datasets"]["digits"]}

    def found(**changes):
        source = only["digits"]["source"] | changes
        workspace.write_params({"datasets": {"digits": only["digits"] | {"source": source}}})
        _, finding = examine()
        return finding

    return found


def test_a_place_that_has_the_file_is_named(digits, web):
    web.files["digits.csv.gz"] = b"some bytes"
    finding = digits(urls=[web.root])
    assert (finding.state, finding.text) == ("ok", f"digits: {web.root}/digits.csv.gz")
    assert web.ranges_asked() == ["bytes=0-0"]


def test_places_that_do_not_have_it_are_named_with_the_reason(digits, web):
    nobody = f"http://127.0.0.1:{free_port()}"
    finding = digits(urls=[f"{web.root}/gone", nobody, "package://sklearn.datasets.data"])
    assert finding.state == "ok"
    assert "digits: package://sklearn.datasets.data/digits.csv.gz (but not " in finding.text
    assert f"{web.root}/gone/digits.csv.gz: HTTP status 404 Not Found" in finding.text
    assert f"{nobody}/digits.csv.gz: " in finding.text


def test_a_dataset_that_is_nowhere_is_wrong_unless_it_is_there(digits, workspace):
    finding = digits(urls=["package://nowhere"])
    assert finding.state == "wrong"
    assert "no package 'nowhere' is installed). Set DATASET_MIRROR" in finding.text
    (workspace.root / "data" / "raw" / "digits").mkdir(parents=True)
    assert digits(urls=["package://nowhere"]).state == "note"


def test_a_mirror_comes_first_and_any_way_of_packing_will_do(
    digits, workspace, own_params, web, monkeypatch
):
    monkeypatch.setenv("DATASET_MIRROR", web.root)
    web.files["cifar-10/cifar-10-binary.zip"] = b"some bytes"
    workspace.write_params({"datasets": {"cifar10": own_params["datasets"]["cifar10"]}})
    _, finding = examine()
    assert finding.text.startswith(f"cifar10: {web.root}/cifar-10/cifar-10-binary.zip")


def test_own_pictures_are_looked_for_where_they_are_watched(workspace, own_params):
    own = {"kind": "local", "watch": "photos", "max_unpacked_mib": 1}
    pets = own_params["datasets"]["digits"] | {"source": own}
    workspace.write_params({"datasets": {"digits": pets}})
    _, finding = examine()
    assert finding.text.startswith("digits: nowhere (photos: no such file)")
    (workspace.root / "photos").mkdir()
    _, finding = examine()
    assert (finding.state, finding.text) == ("ok", "digits: photos")


def test_a_mirror_must_be_a_folder_or_an_address(tmp_path):
    assert mirror("").state == mirror(str(tmp_path)).state == mirror("https://a.b").state == "ok"
    finding = mirror(str(tmp_path / "nowhere"))
    assert finding.state == "wrong"
    assert "expected a folder or an http(s) URL" in finding.text
