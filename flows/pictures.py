"""What a stage shows a person as soon as it has ended: a contact sheet, scores, the report."""

import io
import platform
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from flows.markdown import Page, image, table
from tasks.params import load_params
from tasks.report import page as report
from tasks.report.page import plain
from tasks.report.pictures import Picture, mistakes
from tasks.report.results import read_results
from tasks.report.sections import Figure, read_figures
from tasks.report.tables import rows_of
from tasks.report.verdict import Verdict, judge
from tasks.report.wording import listed
from tasks.stage import AUGMENTED, PLOTS, REPORT

LARGE = 300_000  # bytes of a PNG above which a smaller, lossy picture is worth it
WIDEST = 900  # pixels; no column of Prefect's UI is wider
ROWS, PER_ROW = 2, 8  # of pictures of mistakes
STYLE = Path(report.__file__).with_name("style.css")


def page_of(address: str) -> Page | None:
    """Return what a stage has to show, None if that is nothing."""
    stage, _, experiment = address.partition("@")
    if stage == "augment":
        return sheet_page(address, experiment)
    if stage == "evaluate":
        return scores_page(address, experiment)
    return report_page() if stage == "publish" else None


def sheet_page(address: str, experiment: str) -> Page:
    """Return what training will see."""
    path = AUGMENTED / f"{experiment}.png"
    kind, content = "png", path.read_bytes()
    if len(content) > LARGE:
        kind, content = "webp", lossy(path)
    picture = image("contact sheet", data_uri(kind, content))
    return Page(address, "What augmentation makes of training pictures.", picture)


def lossy(path: Path) -> bytes:
    """Return a picture as WebP, no wider than a page."""
    file = io.BytesIO()
    with Image.open(path) as picture:
        picture.thumbnail((WIDEST, 10 * WIDEST))
        picture.convert("RGB").save(file, "WEBP")
    return file.getvalue()


def scores_page(address: str, experiment: str) -> Page:
    """Return how a model scored, in words and in pictures."""
    params = load_params()
    recipe = params.experiment(experiment)
    result = next(r for r in read_results(params) if r.name == experiment)
    history = rows_of(PLOTS / experiment / "history.csv")
    verdict = judge(recipe, result.metrics or {}, history)
    accuracy, interval, n, *_ = result.cells()
    figures = read_figures(experiment, recipe.train.model).values()
    worst = mistakes(experiment)[: ROWS * PER_ROW]
    parts = [
        in_words(verdict),
        *(figure(f) for f in figures if f),
        *([grid(worst)] if worst else []),
    ]
    summary = f"{accuracy} of {n} test images, 95 % interval {interval}: {verdict.headline}."
    return Page(address, summary, "\n".join(parts))


def report_page() -> Page:
    """Return where the report is, and its words."""
    page = (REPORT / "index.html").resolve()
    where = f"[{page.as_uri()}]({page.as_uri()}) on {platform.node()}"
    note = "A browser follows no link from a web page to a file: copy the address."
    words = (REPORT / "report.md").read_text("utf-8")
    return Page("report", f"{page} on {platform.node()}", f"{where}\n\n{note}\n\n{words}")


# ---- Markdown -------------------------------------------------------------------------


def in_words(verdict: Verdict) -> str:
    """Return a verdict with its reasons and its advice."""
    text = f"**{verdict.headline}.** {plain(' '.join(verdict.sentences))}\n"
    if verdict.advice:
        text += f"\nWhat to try: {plain(listed(verdict.advice, 'or'))}.\n"
    return text


def figure(drawn: Figure) -> str:
    """Return one figure with its heading and its caption."""
    uri = data_uri("svg+xml", coloured(drawn.svg).encode())
    return f"## {drawn.heading}\n\n{image(drawn.heading, uri)}\n\n{plain(drawn.caption)}\n"


def data_uri(kind: str, content: bytes) -> str:
    """Return the bytes of an image file as an address."""
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"


def coloured(svg: str) -> str:
    """Return a drawing with the colours that the page around it would give it by day."""
    by_day = STYLE.read_text("utf-8").partition("}")[0]
    colours = " ".join(re.findall(r"--\w+: \S+;", by_day))
    return svg.replace("<svg ", f'<svg style="{colours} background: var(--page)" ', 1)


def grid(pictures: Sequence[Picture]) -> str:
    """Return pictures of mistakes in rows, each with its caption beneath."""
    rows: list[list[str]] = []
    for first in range(0, len(pictures), PER_ROW):
        some = pictures[first : first + PER_ROW]
        rows.append([image(plain(p.alt), p.uri) for p in some])
        rows.append([plain(" ".join(p.caption)) for p in some])
    return "## Worst mistakes\n\n" + table(rows[0], "l" * len(rows[0]), rows[1:])
