import subprocess
import sys
from importlib.metadata import version

import pytest

from flows.doctor.software import driver, examine, packages, within


def test_this_environment_is_the_one_that_is_pinned():
    findings = list(examine())
    assert {finding.state for finding in findings} <= {"ok", "note"}
    assert findings[0].text == f"Python {sys.version.split()[0]} at {sys.executable}"
    assert f"dvc {version('dvc')}, prefect {version('prefect')}" in findings[1].text


@pytest.mark.parametrize(
    ("found", "right"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_a_python_is_in_range_or_not(found, right):
    assert within(found, ">=3.11,<3.14") == right


def write_pins(path, **pins):
    path.write_text("".join(f"{n}=={v} \\\n    --hash=sha256:00\n" for n, v in pins.items()))


def test_a_package_of_another_version_is_named_with_both(tmp_path):
    write_pins(tmp_path / "requirements.txt", dvc="0.1", keras=version("keras"), nowhere="2")
    finding = packages(tmp_path)
    assert finding.state == "wrong"
    assert f"dvc: expected 0.1, got {version('dvc')}; nowhere: expected 2, got none" in finding.text


def test_many_differences_are_counted(tmp_path):
    write_pins(tmp_path / "requirements.txt", **dict.fromkeys("abcde", "1"))
    assert packages(tmp_path).text.endswith("c: expected 1, got none; and 2 more. Run make setup.")


def test_the_nearest_requirements_count(tmp_path):
    write_pins(tmp_path / "requirements.txt", dvc="0.1", numpy=version("numpy"))
    write_pins(tmp_path / "requirements-gpu.txt", dvc=version("dvc"), numpy=version("numpy"))
    assert "those of requirements-gpu.txt: dvc" in packages(tmp_path).text


def test_requirements_for_another_device_are_farther_than_those_that_are_all_there(tmp_path):
    write_pins(tmp_path / "requirements.txt", dvc=version("dvc"))
    (tmp_path / "requirements-gpu.txt").write_text(
        f"dvc=={version('dvc')} \\\n    --hash=sha256:00\n"
        "cuda==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n"
    )
    assert "those of requirements.txt: dvc" in packages(tmp_path).text


def test_packages_for_other_systems_and_pythons_do_not_count(tmp_path):
    (tmp_path / "requirements.txt").write_text(
        "pywin32==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
        "dvc==0.1 ; python_version < '3' \\\n    --hash=sha256:00\n"
        f"dvc=={version('dvc')} ; python_version >= '3' \\\n    --hash=sha256:00\n"
    )
    assert packages(tmp_path).state == "ok"


def test_git_is_told_of_the_driver_on_request(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    finding = driver()
    assert finding.state == "note"
    assert finding.cure() == "told git to merge dvc.lock by stages"
    assert driver().state == "ok"
