"""Daemons that end with the test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.cli.svc.daemons")

from .daemons import Daemons  # noqa: E402


@pytest.fixture
def daemons() -> Iterator[Daemons]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the tests read /proc")
    made = Daemons()
    yield made
    made.end()
