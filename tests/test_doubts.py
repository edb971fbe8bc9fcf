"""Labels in doubt on a second look: what a person decided at the first is not lost."""

import numpy as np
import pytest

from tasks.images.samples import Rows
from tasks.labels.doubts import Doubt, decided_before, find_doubts, write_doubts
from tasks.stage import StageError

NAMES = ["cat", "dog"]
SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]], np.float32)
ROWS = Rows(
    images=np.zeros((5, 1, 1, 1), np.uint8),
    index=np.arange(5),
    labels=np.array([0, 0, 0, 1, 1]),  # the third is a dog
    ids=list("abcde"),
    digests=[f"d{i}" for i in range(5)],
    classes=NAMES,
)
DECIDED = Doubt("e", "d4", "dog", "cat", "0.1", "0.9", "cat")


def test_what_was_decided_follows_the_worst_with_what_is_said_now():
    doubts, found = find_doubts(ROWS, SAID, 5, {})
    assert [(doubt.id, doubt.decision) for doubt in doubts] == [("c", "")]
    assert found == 1
    doubts, found = find_doubts(ROWS, SAID, 5, {"e": "cat", "c": "dog"})
    assert [(doubt.id, doubt.decision) for doubt in doubts] == [("c", "dog"), ("e", "cat")]
    assert doubts[1] == DECIDED._replace(
        probability_of_label="0.9000", probability_of_suggested="0.1000"
    )
    assert found == 1


def test_decisions_outlast_the_table_that_they_were_written_into(tmp_path):
    path = tmp_path / "labels.csv"
    assert decided_before(path, ROWS) == {}
    undecided = DECIDED._replace(id="gone", decision="")
    write_doubts(path, [DECIDED, undecided])
    assert decided_before(path, ROWS) == {"e": "cat"}
    path.write_text("decision,id,digest,label\ncat,e,d4,dog\n")
    assert decided_before(path, ROWS) == {"e": "cat"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"digest": "d9"}, "decides on 'e': expected a picture of train or val .* Remove the row"),
        ({"id": "test"}, "decides on 'test': expected a picture of train or val"),
        ({"decision": "cow"}, "says 'cow' of 'e': expected one of cat, dog"),
        ({"id": ""}, "has no id on line 2: expected a value"),
    ],
)
def test_a_decision_that_cannot_be_kept_is_refused(tmp_path, changed, said):
    path = tmp_path / "labels.csv"
    write_doubts(path, [DECIDED._replace(**changed)])
    with pytest.raises(StageError, match=f"{said}.* It was not overwritten: mend it, or move it"):
        decided_before(path, ROWS)


def test_columns_of_a_persons_own_are_not_thrown_away(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,digest,label,decision,my notes\na,d0,cat,,blurred\n")
    with pytest.raises(StageError, match=r"label, decision, my notes: expected id, .* not overwri"):
        decided_before(path, ROWS)
