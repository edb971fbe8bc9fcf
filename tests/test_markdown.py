import string

from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.actions import ArtifactCreate

from flows.markdown import Page, image, table


@given(st.text(string.ascii_letters, min_size=1, max_size=1), st.text(max_size=30))
def test_prefect_takes_the_key_of_any_page(first, rest):
    key = Page(first + rest, "", "").key
    assert ArtifactCreate(key=key).key == key


def test_a_key_reads_like_the_stage():
    assert Page("evaluate@cats_vs_dogs_best", "", "").key == "evaluate-cats-vs-dogs-best"


def test_a_table_aligns_its_columns():
    assert table(("Stage", "Seconds"), "lr", [("`fit`", "2.0"), ("`score`", "")]) == (
        "| Stage | Seconds |\n| --- | --: |\n| `fit` | 2.0 |\n| `score` |  |\n"
    )


def test_an_image_says_what_it_shows():
    assert image("confusion", "data:image/png;base64,AA") == (
        "![confusion](data:image/png;base64,AA)"
    )
