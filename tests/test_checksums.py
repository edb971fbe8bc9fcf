"""Checksums of one file, and of a list of files as `sha256sum` prints it."""

import subprocess
from hashlib import sha256

import pytest

from tasks.datasets.archives import Unusable
from tasks.datasets.checksums import check, digest_of, is_member, list_digest
from tasks.params import Members

A, B = sha256(b"a").hexdigest(), sha256(b"b").hexdigest()


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    assert digest_of(tmp_path / "a") == A


def test_a_list_has_the_digest_of_what_sha256sum_prints(tmp_path):
    names = ["B/1.jpg", "a/ä b.jpg", "a/1.jpg", "a/10.jpg", "a/2.jpg"]  # sorted by bytes: B first
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    in_order = sorted(names, key=str.encode)
    printed = subprocess.run(["sha256sum", *in_order], cwd=tmp_path, capture_output=True).stdout
    digests = {name: digest_of(tmp_path / name) for name in names}
    assert list_digest(digests) == sha256(printed).hexdigest()


def test_right_files_pass():
    check({"x": A, "y": B}, {"x": A, "y": B})
    check({"x": A, "y": B}, Members(pattern="*", sha256=list_digest({"y": B, "x": A})))


def test_a_wrong_file_is_named_with_both_digests():
    with pytest.raises(Unusable, match=f"^'y': expected SHA-256 {A}, got {B}$"):
        check({"x": A, "y": B}, {"x": A, "y": A})


def test_a_missing_file_is_named():
    with pytest.raises(Unusable, match=r"^it has no 'y'$"):
        check({"x": A}, {"x": A, "y": B})


def test_a_wrong_list_is_told_with_both_digests():
    expected, got = list_digest({"x.jpg": A}), list_digest({"x.jpg": B})
    with pytest.raises(Unusable, match=rf"^1 members '\*.jpg': .* {expected}, got {got}$"):
        check({"x.jpg": B}, Members(pattern="*.jpg", sha256=expected))


def test_a_list_with_another_name_is_wrong():
    with pytest.raises(Unusable, match="expected SHA-256 of their list"):
        check({"z.jpg": A}, Members(pattern="*.jpg", sha256=list_digest({"x.jpg": A})))


@pytest.mark.parametrize(
    ("name", "belongs"), [("a/b/1.jpg", True), ("1.JPG", False), ("vectorize.py", False)]
)
def test_a_pattern_reaches_into_folders_and_minds_case(name, belongs):
    assert is_member(name, Members(pattern="*.jpg", sha256=A)) == belongs
    assert is_member(name, {"a/b/1.jpg": A}) == belongs
