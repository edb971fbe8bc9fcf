import shutil

import pytest

from flows.doctor.disk import examine, judge, missing_outputs

GB = 10**9
LOCK = """schema: '2.0'
stages:
  download@digits:
    cmd: python -m tasks.download digits
    outs:
    - {path: data/raw/digits, size: 3000000}
  train@digits_cnn:
    cmd: python -m tasks.train digits_cnn
    outs:
    - {path: data/models/digits_cnn, size: 5000000}
    - {path: data/plots/digits_cnn/history.csv, size: 100}
"""


@pytest.fixture
def small(workspace, own_params):
    """Enter a workspace with one dataset, made once according to its dvc.lock."""
    workspace.write_params({"datasets": {"digits": own_params["datasets"]["digits"]}})
    (workspace.root / "dvc.lock").write_text(LOCK)
    return workspace


def test_what_is_missing_of_a_lock_counts_twice_for_the_cache_has_a_copy(small):
    (finding,) = examine()
    assert finding.state == "ok"
    assert "; missing datasets need 6 MB; what else is missing needs 10 MB" in finding.text


def test_what_is_there_needs_nothing(small):
    for path in ("data/raw/digits", "data/models/digits_cnn", "data/plots/digits_cnn/history.csv"):
        (small.root / path).mkdir(parents=True)
    (finding,) = examine()
    assert finding.text.endswith(" free; all outputs of dvc.lock are there")


def test_a_new_dataset_is_bounded_by_its_own_limit_or_unknown(workspace, own_params):
    datasets = {name: own_params["datasets"][name] for name in ("digits", "cifar10")}
    workspace.write_params({"datasets": datasets})
    (finding,) = examine()
    assert f"missing datasets need {2 * 400 * 2**20 / 1e6:.0f} MB" in finding.text
    assert "nobody knows yet what digits needs" in finding.text


def test_free_bytes_are_those_of_this_disk(small):
    (finding,) = examine()
    free = shutil.disk_usage(small.root).free
    told = float(finding.text.split()[0])
    assert told == pytest.approx(free / GB, rel=0.2)


def test_too_little_is_wrong():
    assert judge(3 * GB, 2 * GB, GB, []).state == "ok"
    finding = judge(3 * GB, 2 * GB, 2 * GB, [])
    assert finding.state == "wrong"
    assert "Free some, or move DVC's cache" in finding.text


def test_no_lock_means_nothing_was_made(tmp_path):
    assert missing_outputs(tmp_path / "dvc.lock") == {}
