"""The compiled raw layer with arbitrary arguments: only documented errors, and a kernel's checks in their order."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from ..property.rawcalls import TWO_FAULTS, calls, differences, model_of
from .building import Kernel


@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
def test_procctl(flavour: str, request: pytest.FixtureRequest) -> None:
    """Every history of calls comes to what the kernel's order of checks says."""
    kernel: Kernel = request.getfixturevalue(flavour)

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(calls)
    @example(TWO_FAULTS)
    def play(history: list[tuple[Any, Any, Any, Any]]) -> None:
        kernel.reset()
        assert differences(model_of(flavour, os.getpid()), history) == []

    play()
