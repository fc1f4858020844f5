"""The confined machines, built once for a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native import building
from tests.native.conftest import demand

from .machine import Machine

BUILT = "PYDFLY_CONFINED"
"""Environment variable that names a folder with machines that were built before."""


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Machine]:
    """Return what builds the machine of a flavour, once each."""
    demand("native-stub", building.lacking())
    built: dict[str, Machine] = {}

    def get(flavour: str) -> Machine:
        if flavour not in built:
            ready = os.environ.get(BUILT)
            if ready and Path(ready, flavour).exists():
                built[flavour] = Machine(flavour, Path(ready, flavour))
            else:
                built[flavour] = Machine(flavour, tmp_path_factory.mktemp("confined") / flavour).build()
        return built[flavour]

    return get


@pytest.fixture(params=["dragonfly", "freebsd"])
def machine(request: pytest.FixtureRequest, machines: Callable[[str], Machine]) -> Machine:
    """Each of the two."""
    return machines(request.param)


@pytest.fixture
def dragonfly(machines: Callable[[str], Machine]) -> Machine:
    """A machine that looks like DragonFly."""
    return machines("dragonfly")


@pytest.fixture
def freebsd(machines: Callable[[str], Machine]) -> Machine:
    """A machine that looks like FreeBSD."""
    return machines("freebsd")
