"""What every test gets: no backend chosen by anybody else, and a header that says what is live here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from pydfly import backends

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="acts on real Linux processes")


@pytest.fixture(autouse=True)
def _automatic_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test start with the automatic choice, without the user's environment."""
    for name in [name for name in os.environ if name.startswith("PYDFLY_") and name != "PYDFLY_REQUIRE"]:
        if name in ("PYDFLY_BACKEND", "PYDFLY_STATE_DIR"):
            monkeypatch.delenv(name)
    before = (backends._current, backends._chosen)
    backends._current = backends._chosen = None
    yield
    backends._current, backends._chosen = before


def pytest_report_header(config: pytest.Config) -> str:
    return f"pydfly backend here: {backends.info().why}"
