"""What spreadsheets make of a table that a person fills in, and that none of it is guessed."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.labels.corrections import Correction, read_corrections
from tasks.labels.doubts import Doubt, read_decisions
from tasks.labels.edited import read_edited
from tasks.stage import StageError
from tasks.stage.tables import write_table

COLUMNS = ["id", "digest", "was", "now"]
ROW = "a,d1,cat,dog\n"
TABLE = ",".join(COLUMNS) + "\n" + ROW
DOUBTS = ",".join(Doubt._fields) + "\n"
CLASSES = ["cat", "dog"]
KNOWN = {"a": "d1", "b": "d2"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.csv"


def read(path, **allowed):
    return list(read_edited(path, COLUMNS, "make it", **allowed))


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.strip().encode(),
        ("\n" + TABLE + "\n,,,\n").encode(),
        TABLE.replace(",", " , ").encode(),
        b'"id","digest","was","now"\n"a","d1","cat","dog"\n',
        b"now,was,digest,id\ndog,cat,d1,a\n",
    ],
)
def test_what_says_the_same_is_read_as_the_same(path, content):
    path.write_bytes(content)
    assert read(path) == [["a", "d1", "cat", "dog"]]
    assert read_corrections(path) == [Correction("a", "d1", "cat", "dog")]


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda word: word == word.strip()
)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), unique_by=lambda row: row[0]))
def test_what_is_written_is_read_again(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("x") / "x.csv"
    write_table(path, COLUMNS, rows)
    assert read(path) == [list(row) for row in rows]


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_file_it_is_a_whole_table_or_an_error_for_a_person(
    tmp_path_factory, content, behind
):
    path = tmp_path_factory.mktemp("x") / "x.csv"
    path.write_bytes((TABLE.encode() if behind else b"") + content)
    with suppress(StageError):
        assert all(len(row) == 4 and all(row) for row in read(path))


REFUSED = [
    (b"", r"has the columns \(none\): expected id, digest, was, now\. `make it` writes it"),
    (b"\n\n", r"has the columns \(none\): expected"),
    (
        (TABLE + "b,d2,caf\u00e9,dog").encode("cp1252"),
        r"is no UTF-8 on line 3 \(byte 0xe9\): expected a",
    ),
    (
        TABLE.encode("utf-16"),
        r"is no UTF-8 on line 1 \(byte 0xff\): .* Save it again as 'CSV UTF-8'",
    ),
    (TABLE.replace(",", ";").encode(), "has semicolons between its values: expected commas"),
    (TABLE.replace(",", "\t").encode(), "has tabs between its values: expected commas. Save"),
    (b"id,label\na,cat\n", "has the columns id, label: expected id, digest, was, now"),
    (b"id,digest,was,now,now\na,d1,cat,,dog\n", "has the columns id, digest, was, now, now: "),
    ((TABLE + "b,d2,cat\n").encode(), "has a row of 3 values on line 3: expected 4, one for"),
    (TABLE.replace(ROW, "a,d1,cat,dog,\n").encode(), "has a row of 5 values on line 2: expected 4"),
    (TABLE.replace("cat", "").encode(), "has no was on line 2: expected a value. Mend that row"),
    (TABLE.replace("a,d1", " ,d1").encode(), "has no id on line 2: expected a value"),
    ((TABLE + "\n" + ROW).encode(), "has 'a' twice, on lines 2 and 4: expected one row a picture"),
    ((TABLE + '"b,d2,cat,dog\n').encode(), r"is no table from line 3 on \(unexpected end of data"),
    ((TABLE + '"b"x,d2,cat,dog\n').encode(), "from line 3 on .*: expected values between commas"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED)
def test_a_table_that_could_be_misread_is_refused_in_one_line(path, content, said):
    path.write_bytes(content)
    with pytest.raises(StageError, match=said) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(StageError, match=said.replace("make it", "python -m tasks.relabel")):
        read_corrections(path)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(StageError, match=r"cannot read '.*' \(Is a directory\): expected a CSV"):
        read(tmp_path)
    with pytest.raises(StageError, match=r"no '.*x\.csv': expected a table\. `make it` writes it"):
        read(tmp_path / "x.csv")


def test_another_file_given_by_mistake_makes_no_long_error(path):
    path.write_text("<html>" + "x," * 10_000)
    with pytest.raises(
        StageError, match=r"has the columns <html>x, x, .* \.\.\.: expected"
    ) as said:
        read(path)
    assert len(str(said.value)) < 500


def test_other_columns_are_read_over_where_they_are_allowed(path):
    path.write_text("note,id,digest,was,now,\nlooked twice,a,d1,cat,dog,\n")
    assert read(path) == [["a", "d1", "cat", "dog"]]
    for others in ((), ("more",)):
        with pytest.raises(StageError, match=r"columns note, id, .* now, \(no name\): expected id"):
            read(path, others=others)
    path.write_text(TABLE.replace("dog", ""))
    assert read(path, optional=["now"]) == [["a", "d1", "cat", ""]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,d1,cat,dog,0.1,0.8,dog,\n", "has a row of 8 values on line 2: expected 7"),
        ("a,d1,cat,dog,0.1,0.8\n", "has a row of 6 values on line 2: expected 7"),
        ("a,d1,cat,dog,0.1,0.8,dog\na,d1,cat,dog,0.1,0.8,cat\n", "has 'a' twice, on lines 2 and 3"),
        ("a,d1,,dog,0.1,0.8,dog\n", "has no label on line 2: expected a value"),
    ],
)
def test_a_decision_that_could_be_misread_is_refused(path, rows, said):
    path.write_text(DOUBTS + rows)
    with pytest.raises(StageError, match=said):
        read_decisions(path, KNOWN, CLASSES)


def test_decisions_are_read_as_excel_saves_them(path):
    rows = "a,d1,cat,dog,0.1,0.8,dog\r\nb,d2,dog,cat,0.2,0.7,\r\n,,,,,,\r\n"
    path.write_bytes((DOUBTS + rows).encode("utf-8-sig"))
    assert read_decisions(path, KNOWN, CLASSES) == [Correction("a", "d1", "cat", "dog")]


def test_prepare_reads_corrections_without_pandas(path):
    path.write_text(TABLE)
    code = (
        "import sys, pathlib, tasks.prepare as prepare\n"
        "print(len(prepare.read_corrections(pathlib.Path(sys.argv[1]))), 'pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(path)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "1 False\n"
