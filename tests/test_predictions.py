"""Test sets that are the same, and those that are not."""

import pytest

from tasks.review.predictions import align, parse
from tasks.stage import StageError


def predictions(*rows, classes=("cat", "dog")):
    """Return predictions of rows such as "a cat dog 0.2": id, label, predicted, p of the label."""
    lines = [",".join(["id,label,predicted", *(f"p:{name}" for name in classes)])]
    for id_, label, predicted, p in map(str.split, rows):
        shares = [p if name == label else "0.000000" for name in classes]
        lines.append(",".join([id_, label, predicted, *shares]))
    return parse("\n".join(lines) + "\n", "'p.csv'")


def test_equal_test_sets_leave_nothing_to_say_whatever_their_order():
    match = align(
        predictions("a cat cat 0.9", "b dog cat 0.3"), predictions("b dog dog 0.8", "a cat cat 0.7")
    )
    assert match.notes == []
    assert match.images.loc["b"].tolist() == ["dog", "cat", "dog", 0.3, 0.8]
    assert match.images.loc["a"].tolist() == ["cat", "cat", "cat", 0.9, 0.7]
    assert match.left_out == 0


def test_models_are_identical_that_say_the_same_of_all_images_as_surely():
    rows = "a cat cat 0.9", "b dog cat 0.3"
    assert align(predictions(*rows), predictions(*rows[::-1])).identical
    for other in (("a cat cat 0.8", rows[1]), ("a cat dog 0.9", rows[1]), rows[:1]):
        assert not align(predictions(*rows), predictions(*other)).identical
        assert not align(predictions(*other), predictions(*rows)).identical


def test_only_images_in_common_under_one_label_are_compared():
    before = predictions(
        "a cat cat 0.9", "b dog cat 0.3", "c dog dog 1", "d cat cat 1", "e cat cat 1"
    )
    after = predictions("b dog cat 0.3", "c cat cat 1", "d cat cat 1", "e cat cat 1", "f dog dog 1")
    match = align(before, after, repainted={"e"})
    assert list(match.images.index) == ["b", "d"]
    assert match.left_out == 4
    assert match.notes == [
        "the test sets differ, 1 image before only, 1 image after only, 1 image with another label "
        "and 1 image with other pixels: compared on the 2 in common"
    ]


def test_renamed_classes_are_still_the_same_classes():
    before = predictions("a cat dog 0.4", "b dog dog 0.7")
    after = predictions("a Katze Katze 0.6", "b dog dog 0.7", classes=("Katze", "dog"))
    match = align(before, after)
    assert match.notes == ["classes were renamed: 'cat' is now 'Katze'"]
    assert match.images.loc["a"].tolist() == ["Katze", "dog", "Katze", 0.4, 0.6]


def test_a_class_without_a_test_image_is_renamed_with_the_others():
    before = predictions("1 a c 0.2", "2 b b 0.9", classes="abc")
    after = predictions("1 A C 0.2", "2 B B 0.9", classes="ABC")
    match = align(before, after)
    assert match.images["was"].tolist() == match.images["now"].tolist() == ["C", "B"]
    assert match.notes == [
        "classes were renamed: 'a' is now 'A', 'b' is now 'B' and 'c' is now 'C'"
    ]
    german = predictions("1 Katze Eule 0.2", "2 Hund Hund 0.9", classes=("Eule", "Hund", "Katze"))
    before = predictions("1 cat owl 0.2", "2 dog dog 0.9", classes=("cat", "dog", "owl"))
    assert align(before, german).images["was"].tolist() == ["Eule", "Hund"]


def test_several_classes_without_a_test_image_are_known_by_their_places_or_not_at_all():
    before = predictions("1 a c 0.2", "2 b d 0.2", classes="abcd")
    after = predictions("1 A C 0.2", "2 B D 0.2", classes="ABCD")
    assert align(before, after).images["was"].tolist() == ["C", "D"]
    moved = predictions("1 z x 0.2", "2 w y 0.2", classes="wxyz")
    match = align(before, moved)
    assert match.images["was"].tolist() == ["c", "d"]
    assert match.notes == [
        "classes were renamed: 'a' is now 'z' and 'b' is now 'w'",
        "whether 'c' or 'd' is now called 'x' or 'y' is not known: 2 predictions changed from the "
        "one to the other",
    ]


def test_a_class_that_went_is_not_taken_for_one_that_came():
    before = predictions("1 a c 0.2", classes="abc")
    match = align(before, predictions("1 a d 0.2", classes="abd"))
    assert match.images["was"].tolist() == ["c"]
    assert match.notes == [
        "whether 'c' is now called 'd' is not known: 1 prediction changed from the one to the other"
    ]
    gone = predictions("1 a b 0.2", "2 c c 0.9", classes="abc")
    came = predictions("1 A B 0.2", "3 d d 0.9", classes="ABd")
    match = align(gone, came)
    assert match.notes[0] == "classes were renamed: 'a' is now 'A'"


def test_an_old_name_that_another_class_has_now_is_no_new_name():
    before = predictions("1 a c 0.2", "2 b b 0.9", classes="abc")
    after = predictions("1 c b 0.2", "2 b b 0.9", classes="bcd")
    match = align(before, after)
    assert list(match.images.index) == ["2"]
    assert match.notes[0].startswith("the test sets differ, 1 image with another label")


@pytest.mark.parametrize(
    "after",
    [
        ("a dog dog 1", "b cat cat 1", "c cat cat 1"),  # names swapped
        ("a one one 1", "b two two 1", "c three three 1"),  # a class parted
        ("a one one 1", "b one one 1", "c one one 1"),  # classes joined
    ],
)
def test_classes_that_are_not_the_same_have_no_image_in_common(after):
    before = predictions("a cat cat 1", "b dog dog 1", "c dog dog 1")
    classes = ("cat", "dog", "one", "two", "three")
    match = align(before, predictions(*after, classes=classes))
    assert match.images.empty
    assert match.notes == ["the test sets differ, 3 images with another label: none is in common"]


def test_a_class_without_a_test_image_in_common_is_named():
    both = predictions(
        "a cat cat 0.9", "b dog cat 0.3", "c owl owl 1", classes=("cat", "dog", "owl")
    )
    match = align(both, predictions("a cat dog 0.2", "d cow cow 1", classes=("cat", "dog", "cow")))
    assert list(match.images.index) == ["a"]
    assert match.notes == [
        "the test sets differ, 2 images before only and 1 image after only: compared on the 1 in "
        "common",
        "no test image of 'cow', 'dog' or 'owl' is compared",
    ]


def test_a_model_that_names_one_class_only_is_said_to():
    mixed = [f"{i} {name} {name} 0.6" for i, name in enumerate(["cat", "dog"] * 5)]
    same = [row.replace("dog 0.6", "cat 0.4") for row in mixed]
    match = align(predictions(*mixed), predictions(*same))
    assert match.notes == ["after, every test image is taken for 'cat'"]
    match = align(predictions(*same), predictions(*mixed))
    assert match.notes == ["before, every test image is taken for 'cat'"]
    assert align(predictions(*mixed[:9]), predictions(*same[:9])).notes == []
    assert align(predictions(*mixed[::2]), predictions(*mixed[::2])).notes == []  # cats alone


def test_a_test_set_without_an_image_has_none_in_common():
    match = align(predictions("a cat cat 1"), predictions())
    assert match.images.empty
    assert match.notes == ["the test sets differ, 1 image before only: none is in common"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,label\na,cat\n",
        "id,label,predicted,p:cat\na,dog,cat,1\n",
        "id,label,predicted,p:cat\na,cat,cat,much\n",
        "id,label,predicted,p:cat\na,cat,cat,nan\n",
        "\ufffd\x00\ufffd",
        "id,label,predicted,p:cat\na,cat,cat,1\na,cat,cat,1\n",
    ],
)
def test_another_file_is_refused(text):
    with pytest.raises(StageError, match=r"'p\.csv' is not what evaluate writes: expected the col"):
        parse(text, "'p.csv'")


def test_classes_may_be_called_anything():
    text = 'id,label,predicted,p:NA,"p:a,b"\nx/1,"a,b",NA,0.75,0.25\n'
    assert parse(text, "'p.csv'").images.loc["x/1"].tolist() == ["a,b", "NA", 0.25]
