"""A simulated kernel, and a shell on it."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.simkernel import Kernel, Process


@pytest.fixture
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """A DragonFly, or what the module names as its FLAVOUR."""
    return simkernel.boot(getattr(request.module, "FLAVOUR", "dragonfly"))


@pytest.fixture
def shell(kernel: Kernel) -> Process:
    """Process 2: root's, a child of init."""
    return kernel.spawn("/bin/sh")
