"""Make the page around `dvc plots show` that needs no network.

DVC's own page loads Vega from a public server. This one carries it, from the package that draws
the report, and is named in `.dvc/config`. It is made at set-up because a bundle of scripts does
not belong in git.

    python -m tasks.report.offline
"""

from pathlib import Path

import vl_convert

from tasks.measures.figures import VEGA_LITE
from tasks.stage import written

PAGE = Path(".dvc/tmp/plots.html")
SNIPPET = "window.vegaEmbed = vegaEmbed;"  # what DVC's plots call
HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>assay: plots</title>
<link rel="icon" href="data:,">
<script>{bundle}</script>
<style>
main {{ display: flex; flex-wrap: wrap; align-items: flex-start; gap: 2rem 3rem; margin: 2rem; }}
.vega-embed:has(.marks[width="0"]) {{ display: none; }} /* nothing to draw yet */
</style>
</head>
<body>
<main>
{{plot_divs}}
</main>
</body>
</html>
"""


def write() -> None:
    """Write the page, with DVC's place-holder for the plots."""
    bundle = vl_convert.javascript_bundle(SNIPPET, vl_version=VEGA_LITE)
    written(PAGE, HTML.format(bundle=bundle))


if __name__ == "__main__":
    write()
    print(f"wrote {PAGE}, which `dvc plots show` uses.")
