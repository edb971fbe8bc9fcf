"""Sort a table of a page by the column whose heading is pressed, without anything from a network.

The one script of the pages. They forbid all others: their policy names this one by its digest.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

SCRIPT = (Path(__file__).parent / "sort.js").read_text(encoding="utf-8")
SCRIPT_DIGEST = f"sha256-{b64encode(sha256(SCRIPT.encode()).digest()).decode('ascii')}"
