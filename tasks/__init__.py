"""How each stage of the pipeline works; `dvc.yaml` says what depends on what.

Numba knows a compiled kernel by the file that it stands in. One that calls a kernel of
another file would go on as before when that file changes, and a model would be recorded with
code that did not make it. So each state of all kernels has a folder for what it compiles to.
"""

import os
import re
from hashlib import sha256
from pathlib import Path

HOUSE = Path(__file__).parent
USES_NUMBA = re.compile(rb"^(?:import|from) numba", re.MULTILINE)


def kernels() -> list[Path]:
    """Return the files with kernels, in order."""
    return [p for p in sorted(HOUSE.rglob("*.py")) if USES_NUMBA.search(p.read_bytes())]


def compiled() -> Path:
    """Return the folder for what the kernels compile to, named by all files that have some."""
    digest = sha256()
    for path in kernels():
        digest.update(path.relative_to(HOUSE).as_posix().encode() + b"\0" + path.read_bytes())
    return HOUSE / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"


os.environ["NUMBA_CACHE_DIR"] = str(compiled())
