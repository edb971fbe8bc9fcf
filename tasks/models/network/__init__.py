"""Networks: Keras on any backend; the only place that imports it.

Keras imports scikit-learn, where there is one, for wrappers that nothing here uses, and waits
for it longer than for itself. It goes without where there is none, so for as long as Keras is
being imported there is none.
"""

import sys

if "keras" not in sys.modules and "sklearn" not in sys.modules:
    sys.modules["sklearn"] = None  # type: ignore[assignment] # what makes an import fail
    try:
        import keras  # noqa: F401
    finally:
        del sys.modules["sklearn"]
