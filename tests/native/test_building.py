"""build_ffi.py: its numbers are the package's, and old headers are no error."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pydfly
from pydfly import constants

from . import building
from .test_dragonfly import refused


@pytest.fixture(scope="module")
def build_ffi() -> ModuleType:
    """The build script, loaded as a program of its own."""
    spec = importlib.util.spec_from_file_location("build_ffi", building.ROOT / "build_ffi.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("flavour", "system"), [("dragonfly", "DragonFly"), ("freebsd", "FreeBSD")])
def test_what_the_compiler_proves_is_what_the_package_believes(
    build_ffi: ModuleType, flavour: str, system: str
) -> None:
    """Every number of pydfly.constants that a header has is in the build script, and no other."""
    namespace = constants.of(flavour)
    proven = {**build_ffi.IDTYPES, **build_ffi.COMMANDS[system], **build_ffi.CONSTANTS[system]}
    assert {name: int(getattr(namespace, name)) for name in proven} == proven
    believed = {name for name in vars(namespace) if name.startswith(("PROC_", "REAPER_", "PPROT_", "SYS_", "P_"))}
    assert believed - set(proven) == ({"P_ZONEID"} if flavour == "freebsd" else set())


@pytest.mark.parametrize(
    ("flavour", "missing"),
    [
        ("dragonfly", {"PROC_PDEATHSIG_CTL", "PROC_PDEATHSIG_STATUS"}),
        ("freebsd", {"PROC_LOGSIGEXIT_CTL", "PROC_LOGSIGEXIT_STATUS"}),
    ],
)
def test_old_headers(
    flavour: str, missing: set[str], extension: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: Any
) -> None:
    """A missing macro is data: the command is left out of the table, and the kernel is asked all the same."""
    every = {command.name for command in constants.of(flavour).Command}
    module = extension(flavour)
    assert _commands(module) == {name: int(getattr(constants.of(flavour), name)) for name in every}
    old = building.load(building.compile_for(flavour, tmp_path, flags=("-DSTUB_OLD_HEADERS",)))
    assert set(_commands(old)) == every - missing
    kernel = building.Kernel(old, flavour)
    kernel.reset()
    monkeypatch.setitem(sys.modules, "pydfly._native", old)
    with pydfly.use(f"native:{flavour}"):
        number = int(getattr(constants.of(flavour), min(missing)))
        assert pydfly.procctl(0, 0, number, 2) is None
        kernel.fail(22, b"procctl")
        assert "headers" in refused(0, 0, number, 2).reason
        kernel.add_module(b"sys/mine", 1, 300, 211)
        assert pydfly.syscalls.modstat(300).version == 56


def _commands(module: ModuleType) -> dict[str, int]:
    ffi = module.ffi
    return {ffi.string(row.name).decode(): row.number for row in module.lib.pydfly_commands if row.name != ffi.NULL}


def test_usage() -> None:
    """A wrong command line is told."""
    done = subprocess.run([sys.executable, "build_ffi.py"], cwd=building.ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "usage" in done.stderr


if "address" in os.environ.get("PYDFLY_STUB_CFLAGS", ""):  # under AddressSanitizer

    def test_the_sanitizer_sees(extension: Callable[[str], ModuleType]) -> None:
        """Memory that is too small is noticed: the other tests would fail like this one's process."""
        path = extension("dragonfly").__file__
        code = (
            "import sys; from pathlib import Path; from tests.native import building;"
            f"m = building.load(Path({path!r})); m.lib.procctl(0, 0, 3, m.ffi.new('char[]', 191))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=building.ROOT, capture_output=True, text=True)
        assert done.returncode != 0
        assert "heap-buffer-overflow" in done.stderr
