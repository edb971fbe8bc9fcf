"""How each stage of the pipeline works; `dvc.yaml` says what depends on what.

Numba knows a compiled kernel by the file that it stands in. One that calls a kernel of
another file would go on as before when that file changes, and a model would be recorded with
code that did not make it. So each state of all kernels has a folder for what it compiles to.
"""

import os
from hashlib import sha256
from pathlib import Path

HOUSE = Path(__file__).parent


def compiled() -> Path:
    """Return the folder for what the kernels compile to, named by all files that have some."""
    digest = sha256()
    for path in sorted(HOUSE.rglob("*.py")):
        text = path.read_bytes()
        if b"import numba" in text or b"from numba" in text:
            digest.update(path.relative_to(HOUSE).as_posix().encode() + b"\0" + text)
    return HOUSE / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"


os.environ["NUMBA_CACHE_DIR"] = str(compiled())
