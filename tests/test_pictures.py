import io
import platform
import re
from base64 import b64decode

import pytest
from PIL import Image

from flows.pictures import LARGE, WIDEST, page_of
from tasks.report.tables import rows_of
from tasks.stage import AUGMENTED, PLOTS

from .test_publish import published as published  # a fixture: two scored experiments


@pytest.fixture
def scored(published, monkeypatch):
    """Enter a folder with what the stages leave of digits_cnn and digits_knn."""
    monkeypatch.chdir(published)


def images(page):
    """Return the kind and the bytes of each picture in a page."""
    found = re.findall(r"!\[[^\]]*\]\(data:image/([a-z+]+);base64,([^)]*)\)", page.text)
    assert len(found) == page.text.count("![")
    return [(kind, b64decode(content)) for kind, content in found]


def opened(picture):
    kind, content = picture
    image = Image.open(io.BytesIO(content))
    assert image.format.lower() == kind
    return image


def test_a_contact_sheet_is_shown_pixel_by_pixel(scored):
    page = page_of("augment@digits_knn")
    [sheet] = map(opened, images(page))
    with Image.open(AUGMENTED / "digits_knn.png") as original:
        assert sheet.tobytes() == original.tobytes()
    assert page.key == "augment-digits-knn"


def test_a_large_contact_sheet_is_shown_smaller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    AUGMENTED.mkdir(parents=True)
    noise = Image.effect_noise((1240, 620), 90).convert("RGB")
    noise.save(AUGMENTED / "pets.png")
    assert (AUGMENTED / "pets.png").stat().st_size > LARGE
    [sheet] = map(opened, images(page_of("augment@pets")))
    assert sheet.size == (WIDEST, WIDEST // 2)
    assert sheet.format == "WEBP"


def test_scores_come_with_verdict_drawings_and_mistakes(scored):
    page = page_of("evaluate@digits_cnn")
    assert re.fullmatch(
        r"\d\d\.\d\d % of 600 test images, 95 % interval [\d.]+ to [\d.]+: [A-Z][^.]*\.",
        page.summary,
    )
    assert re.match(r"\*\*[^*]+\.\*\* It gets ", page.text)
    headings = re.findall(r"^## (.*)$", page.text, re.MULTILINE)
    assert headings == ["Learning", "Confusion", "Calibration", "Classes", "Worst mistakes"]
    kinds = [kind for kind, _ in images(page)]
    mistakes = rows_of(PLOTS / "digits_cnn" / "pictures" / "mistakes.csv")
    assert kinds == ["svg+xml"] * 4 + ["png"] * len(mistakes)
    assert f"{mistakes[0]['label']}, says {mistakes[0]['predicted']} 99.9 %" in page.text


def test_neighbours_show_how_k_was_chosen(scored):
    page = page_of("evaluate@digits_knn")
    assert "## Choosing k\n" in page.text
    assert "<b>x</b>" not in page.text  # a class of that name is escaped


def test_drawings_bring_their_colours(scored):
    for _, content in images(page_of("evaluate@digits_cnn"))[:4]:
        svg = content.decode()
        used = set(re.findall(r"var\((--\w+)\)", svg))
        assert "--accent" in used
        assert used <= set(re.findall(r"(--\w+): #", svg.partition(">")[0]))


def test_the_report_says_where_it_is_and_what_it_says(scored, published):
    page = page_of("publish")
    assert page.key == "report"
    assert page.summary == f"{published}/data/report/index.html on {platform.node()}"
    assert page.text.startswith(f"[file://{published}/data/report/index.html](file://{published}")
    assert (published / "data/report/report.md").read_text("utf-8") in page.text


@pytest.mark.parametrize("address", ["split@digits", "photos.dvc", "train@digits_cnn"])
def test_most_stages_have_nothing_to_show(address):
    assert page_of(address) is None
