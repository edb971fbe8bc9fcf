import sys

import pytest

from tasks.stage import StageError


def test_a_missing_jax_is_an_error_that_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tasks.models.convnet")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    expected = r"model 'convnet' runs on JAX: expected the package 'jax', got none\. Run 'make jax'"
    with pytest.raises(StageError, match=expected):
        import tasks.models.convnet  # noqa: F401
