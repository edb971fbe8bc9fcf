"""The sheet on which a person looks at labels in doubt: one page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.images.samples import Rows
from tasks.images.sheet import tile
from tasks.labels.doubts import Doubt
from tasks.report.pictures import data_uri

HERE = Path(__file__).parent
SIDE = 140  # pixels of a thumbnail


def page(title: str, lead: str, doubts: Sequence[Doubt], rows: Rows) -> str:
    """Return the page.

    Args:
        title: what is reviewed.
        lead: how the doubts arose, in a sentence or two.
        doubts: the worst first.
        rows: that the doubts are among.
    """
    at = dict(zip(rows.ids, rows.index, strict=True))
    uris = [data_uri(tile(rows.images[at[doubt.id]], SIDE)) for doubt in doubts]
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("sheet.html.j2").render(
        title=title,
        lead=lead,
        doubts=list(zip(doubts, uris, strict=True)),
        classes=rows.classes,
        columns=Doubt._fields,
        side=SIDE,
    )
