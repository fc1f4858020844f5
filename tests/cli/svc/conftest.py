"""Daemons that end with the test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.conftest import bsd

pytest.register_assert_rewrite("tests.cli.svc.daemons")

from .daemons import Daemons  # noqa: E402


@pytest.fixture
def daemons() -> Iterator[Daemons]:
    if sys.platform != "linux" and not bsd:
        pytest.skip("acts on real processes of Linux or a BSD")
    made = Daemons()
    yield made
    made.end()
