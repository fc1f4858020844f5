"""The stub kernels: compiled once for a session, emptied for each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pydfly
from pydfly.backends import choice
from pydfly.backends.protocol import Backend

from . import building
from .building import Kernel


def demand(tool: str, reason: str | None) -> None:
    """Skip the test if something is lacking, unless $PYDFLY_REQUIRE wants it: it fails then."""
    if reason is None:
        return
    if tool in os.environ.get("PYDFLY_REQUIRE", "").split(","):
        pytest.fail(f"{tool} is required: {reason}")
    pytest.skip(f"{tool}: {reason}")


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    """Return what compiles and loads the extension for a flavour, once each."""
    demand("native-stub", building.lacking())
    built: dict[str, ModuleType] = {}

    def get(flavour: str) -> ModuleType:
        if flavour not in built:
            ready = os.environ.get(building.BUILT)
            path = (
                Path(ready, flavour, building.PRODUCT)
                if ready
                else building.compile_for(flavour, tmp_path_factory.mktemp(flavour))
            )
            built[flavour] = building.load(path)
        return built[flavour]

    return get


def _kernel(flavour: str, extension: Callable[[str], ModuleType], patch: pytest.MonkeyPatch) -> Kernel:
    if choice.machine() in choice.FLAVOURS and choice.machine() != flavour:
        pytest.skip(f"a {choice.machine()} machine refuses the binding of the other system")
    module = extension(flavour)
    kernel = Kernel(module, flavour)
    kernel.reset()
    patch.setitem(sys.modules, "pydfly._native", module)
    return kernel


@pytest.fixture
def dragonfly(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A stub of DragonFly's kernel; the package acts on it."""
    kernel = _kernel("dragonfly", extension, monkeypatch)
    with pydfly.use("native:dragonfly"):
        yield kernel


@pytest.fixture
def freebsd(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A stub of FreeBSD's kernel; the package acts on it."""
    kernel = _kernel("freebsd", extension, monkeypatch)
    with pydfly.use("native:freebsd"):
        yield kernel


@pytest.fixture(params=["dragonfly", "freebsd"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """Each of the two."""
    found: Kernel = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def backend(kernel: Kernel) -> Backend:
    """The native backend on it."""
    return pydfly.backends.current()
