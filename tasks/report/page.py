"""The report as one HTML page that needs nothing else, and as Markdown for a terminal.

Jinja escapes every name; only figures, which were drawn here and escape their own text, and the
style sheet go in as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.params import Params
from tasks.report.composition import Composition, read_composition
from tasks.report.intervals import Interval, intervals
from tasks.report.looks import looks_in_words
from tasks.report.results import Result, markdown_table
from tasks.report.sections import Section, read_section
from tasks.report.sorting import SCRIPT, SCRIPT_DIGEST
from tasks.report.wording import listed

HERE = Path(__file__).parent
MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#|"})


@dataclass(frozen=True)
class Chapter:
    """One dataset: its results, its data, and its experiments."""

    name: str
    title: str
    small: bool  # pictures of few pixels are shown as such
    results: list[Result]
    intervals: dict[str, Interval]
    data: Composition | None
    looks: str
    sections: list[Section]


def read_chapters(params: Params, results: Sequence[Result]) -> list[Chapter]:
    """Return a chapter for every dataset that an experiment uses."""
    return [
        read_chapter(params, name, [r for r in results if r.dataset == name])
        for name in params.datasets
        if any(r.dataset == name for r in results)
    ]


def read_chapter(params: Params, name: str, results: list[Result]) -> Chapter:
    """Gather one dataset."""
    dataset = params.datasets[name]
    return Chapter(
        name=name,
        title=dataset.title,
        small=dataset.prepare.width < 72,
        results=results,
        intervals=intervals(results),
        data=read_composition(name),
        looks=looks_in_words(name, results),
        sections=[read_section(r, params.experiments[r.name]) for r in results if r.metrics],
    )


def html(chapters: Sequence[Chapter]) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["listed"] = listed
    environment.filters["drawn"] = Markup  # figures escape their own text
    template = environment.get_template("page.html.j2")
    style = Markup((HERE / "style.css").read_text(encoding="utf-8"))
    page = template.render(
        chapters=chapters, style=style, script=Markup(SCRIPT), script_digest=SCRIPT_DIGEST
    )
    return f"{page}\n"


def unbroken(value: object) -> object:
    """Keep `98 %` and `k = 3` in one line; figures, style and script stay as they are."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return value.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")


def markdown(chapters: Sequence[Chapter]) -> str:
    """Return the results table and the verdicts."""
    results = [result for chapter in chapters for result in chapter.results]
    parts = ["# Results on the test sets\n", markdown_table(results)]
    parts += [f"{plain(c.title)}: {plain(c.looks)}\n" for c in chapters if c.looks]
    for section in (section for chapter in chapters for section in chapter.sections):
        parts.append(f"## {plain(section.result.title)} (`{section.result.name}`)\n")
        parts.append(
            f"**{section.verdict.headline}.** {plain(' '.join(section.verdict.sentences))}\n"
        )
        parts += [f"{plain(section.seeds)}\n"] if section.seeds else []
        if section.verdict.advice:
            parts.append(f"What to try: {plain(listed(section.verdict.advice, 'or'))}.\n")
    return "\n".join(parts)


def plain(text: str) -> str:
    """Keep Markdown from reading signs in a text."""
    return " ".join(text.translate(MARKDOWN).split())
