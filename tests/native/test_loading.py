"""Finding the extension: what is said where it is missing, built for another system, or for none."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

import pydfly
from pydfly.backends import choice as select
from pydfly.backends import native


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to build it, where that helps; nothing else takes over."""
    monkeypatch.setitem(sys.modules, "pydfly._native", None)
    for system, text in (("dragonfly6", "PYDFLY_BUILD_EXTENSION=yes"), ("linux", "this machine runs linux")):
        monkeypatch.setattr(sys, "platform", system)
        reason = native.obstacle()
        assert reason is not None and text in reason
        with pytest.raises(pydfly.BackendError, match=text):
            pydfly.use("native")


@pytest.mark.parametrize("system", ["dragonfly6", "freebsd14"])
def test_missing_on_a_bsd(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The automatic choice there is native or an error, never a silent simulation."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setitem(sys.modules, "pydfly._native", None)
    with pytest.raises(pydfly.BackendError, match="not built"):
        pydfly.reaper.acquire()


def test_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension that is there and cannot be loaded is told apart from one that is missing."""

    def broken(name: str) -> ModuleType:
        raise ImportError("undefined symbol: procctl")

    monkeypatch.setattr(sys, "platform", "freebsd14")
    monkeypatch.setattr("importlib.import_module", broken)
    assert native.obstacle() == "pydfly._native cannot be loaded: undefined symbol: procctl"


def test_flavours(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension is for one system."""
    for flavour, other in (("dragonfly", "freebsd"), ("freebsd", "dragonfly")):
        monkeypatch.setitem(sys.modules, "pydfly._native", extension(flavour))
        assert native.obstacle() is None
        with pytest.raises(pydfly.BackendError, match=f"built for {flavour}"):
            pydfly.use(f"native:{other}")
        with pydfly.use(f"native:{flavour}"):
            info = pydfly.backend()
            assert (info.name, info.flavour, info.live) == ("native", flavour, True)


@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
def test_automatic_choice(
    flavour: str, extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its own system it is used without being asked for."""
    monkeypatch.setattr(sys, "platform", f"{flavour}6")
    monkeypatch.setitem(sys.modules, "pydfly._native", extension(flavour))
    assert select.machine() == flavour
    pydfly.pdeathsig.set(0)
    assert pydfly.backend().name == "native"
    assert pydfly.backend().flavour == flavour


def test_elsewhere(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """On any other system it can be built, imported and called, and every call is refused with ENOSYS."""
    module = extension("none")
    monkeypatch.setitem(sys.modules, "pydfly._native", module)
    assert "ENOSYS" in (native.obstacle() or "")
    assert [row.name for row in module.lib.pydfly_commands] == [module.ffi.NULL]
    for flavour in ("dragonfly", "freebsd"):
        with pydfly.use(f"native:{flavour}"):
            processes = pydfly.backends.current().processes
            calls: list[Callable[[], object]] = [
                pydfly.reaper.acquire,
                pydfly.reaper.release,
                pydfly.reaper.status,
                lambda: pydfly.pdeathsig.set(15),
                pydfly.pdeathsig.get,
                lambda: pydfly.exec_sys_register(0, unsafe=True),
                lambda: pydfly.exec_sys_unregister(1),
                pydfly.resident.entries,
                lambda: pydfly.syscalls.modfind("x"),
                lambda: pydfly.syscalls.modstat(1),
                processes.everyone,
            ]
            for call in calls:
                with pytest.raises(pydfly.SyscallError) as caught:
                    call()
                assert caught.value.errno == errno.ENOSYS


def test_options(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that the backend does not take is a TypeError."""
    monkeypatch.setitem(sys.modules, "pydfly._native", extension("dragonfly"))
    with pytest.raises(TypeError):
        pydfly.use("native:dragonfly", euid=0)
