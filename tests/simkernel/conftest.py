"""A simulated DragonFly, and a shell on it."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.simkernel import Kernel, Process


@pytest.fixture
def kernel() -> Kernel:
    return simkernel.boot("dragonfly")


@pytest.fixture
def shell(kernel: Kernel) -> Process:
    """Process 2: root's, a child of init."""
    return kernel.spawn("/bin/sh")
