"""Draw the plot templates of this project as SVG, without a browser and without a network.

The templates in `plots/` are Vega-Lite with DVC's anchors, so that `dvc plots show`, `dvc plots
diff` and the report draw the same pictures from the same rows. The report has one revision only
and therefore colours what DVC would use for revisions otherwise. Colours are the names of CSS
variables of the page (`--ink`, `--accent`, ...), so a figure follows its page into the dark.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import vl_convert

VEGA_LITE = "5.21"  # also of the bundle that `dvc plots show` loads
TEMPLATES = Path(__file__).parent / "plots"

Row = Mapping[str, object]

PAGE_COLOURS = {"black": "ink", "white": "page", "gray": "muted", "teal": "accent"}
ACCENT = {"value": "var(--accent)"}
IN_COLOUR = {  # what `color` stands for where a picture shows two series
    "calibration": (
        "probabilities",
        ["as given", "calibrated"],
        ["var(--muted)", "var(--accent)"],
    ),
    "history_convnet": ("split", ["train", "val"], ["var(--muted)", "var(--accent)"]),
    "history_network": ("split", ["train", "val"], ["var(--muted)", "var(--accent)"]),
    "history_neighbours": ("metric", ["L1", "L2"], ["var(--accent)", "var(--muted)"]),
    "history_perceptron": ("split", ["train", "val"], ["var(--muted)", "var(--accent)"]),
}
THEME = {
    "aria": False,  # the page describes a figure as a whole
    "background": None,
    "font": "sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "domainColor": "var(--line)",
        "gridColor": "var(--line)",
        "gridOpacity": 0.6,
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "tickColor": "var(--line)",
        "titleColor": "var(--muted)",
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "header": {"labelColor": "var(--ink)", "labelFontSize": 12, "labelPadding": 4},
    "legend": {
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "symbolSize": 240,
        "symbolStrokeWidth": 1.6,
        "symbolType": "stroke",
    },
    "line": {"strokeWidth": 1.6},
}


def draw(template: str, rows: Iterable[Row], *, width: int = 300, height: int = 300) -> str:
    """Return one figure as an SVG element, the same bytes for the same rows.

    Args:
        template: the name of a file in `plots/`, without its ending.
        rows: as DVC would read them from the CSV file; numbers may be text.
        width: of one panel in pixels, where the template leaves it open.
        height: likewise.
    """
    spec = json.loads((TEMPLATES / f"{template}.json").read_text(encoding="utf-8"))
    del spec["title"]  # the page has its own headings
    anchors = {
        "COLOR": colour(template),
        "DATA": [{**row, "rev": ""} for row in rows],
        "PLOT_HEIGHT": height,
        "PLOT_WIDTH": width,
    }
    filled = fill(spec, {f"<DVC_METRIC_{name}>": value for name, value in anchors.items()})
    svg = vl_convert.vegalite_to_svg(
        filled, vl_version=VEGA_LITE, config=THEME, allowed_base_urls=[]
    )
    return re.sub(r'(fill|stroke)="(black|white|gray|teal)"', in_page_colour, svg)


def colour(template: str) -> dict[str, Any]:
    """Return the encoding of colour: one accent, or two series of which one stands back."""
    if template not in IN_COLOUR:
        return ACCENT
    field, domain, colours = IN_COLOUR[template]
    return {"field": field, "type": "nominal", "scale": {"domain": domain, "range": colours}}


def fill(node: Any, anchors: Mapping[str, object]) -> Any:  # noqa: ANN401 (JSON)
    """Replace the anchors in a template."""
    if isinstance(node, dict):
        return {key: fill(value, anchors) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, anchors) for value in node]
    return anchors.get(node, node) if isinstance(node, str) else node


def in_page_colour(attribute: re.Match[str]) -> str:
    """Name the page's variable for one of the templates' plain colours."""
    return f'{attribute[1]}="var(--{PAGE_COLOURS[attribute[2]]})"'
