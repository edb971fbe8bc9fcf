from flows.order import ordered_ignores, ordered_lock, settle, take_back

HEAD = "schema: '2.0'\nstages:\n"


def entry(name):
    return f"  {name}:\n    cmd: make {name}\n    deps:\n    - path: {name}.py\n      md5: 0\n"


def test_new_stages_follow_the_plan():
    after = HEAD + entry("train@b") + entry("split") + entry("train@a")
    expected = HEAD + entry("split") + entry("train@a") + entry("train@b")
    assert ordered_lock("", after, ["split", "train@a", "train@b"]) == expected


def test_old_stages_keep_their_place_whatever_the_plan():
    before = HEAD + entry("train@b") + entry("split")
    after = before + entry("score") + entry("train@a")
    expected = before + entry("train@a") + entry("score")
    assert ordered_lock(before, after, ["split", "train@a", "train@b", "score"]) == expected


def test_a_stage_that_left_dvc_yaml_keeps_its_place():
    before = HEAD + entry("gone") + entry("split")
    assert ordered_lock(before, before, ["split"]) == before


def test_what_follows_the_stages_stays_behind_them():
    tail = "datasets:\n- name: pets\n"
    after = HEAD + entry("b") + entry("a") + tail
    assert ordered_lock("", after, ["a", "b"]) == HEAD + entry("a") + entry("b") + tail


def test_a_lock_without_stages_is_left_alone():
    assert ordered_lock("", "schema: '2.0'\n", ["a"]) == "schema: '2.0'\n"


def test_ignored_outputs_follow_the_plan_behind_old_lines():
    before = "# ours\n\n*.part\n"
    after = before + "/b\n/caf\\[e\\]\n/a\n"
    assert ordered_ignores(before, after, ["/a", "/caf[e]", "/b"]) == (
        before + "/a\n/caf\\[e\\]\n/b\n"
    )


def test_new_outputs_are_taken_back_and_lines_of_others_stay(tmp_path):
    path = tmp_path / ".gitignore"
    path.write_text("*.part\n/old\n/caf\\[e\\]\n/mine\n/new\n")
    take_back(path, "*.part\n/old\n", ["/old", "/new", "/caf[e]"])
    assert path.read_text() == "*.part\n/old\n/mine\n"


def test_a_file_of_new_outputs_alone_goes_with_them(tmp_path):
    path = tmp_path / ".gitignore"
    path.write_text("/new\n")
    take_back(path, "", ["/new"])
    assert list(tmp_path.iterdir()) == []
    take_back(path, "", ["/new"])


def test_a_file_that_is_in_order_is_not_written_again(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text(HEAD + entry("a") + entry("b"))
    path.chmod(0o640)
    settle(path, "", ["a", "b"])
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_not_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text(HEAD + entry("b") + entry("a"))
    settle(path, "", ["a", "b"])
    assert path.read_text() == HEAD + entry("a") + entry("b")
    assert list(tmp_path.iterdir()) == [path]
