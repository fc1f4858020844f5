"""Every module imports, and whatever is pure works, with the names that CPython has on a BSD and no others."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import linux_only

from . import names

pytestmark = linux_only

ROOT = str(names.DATA.parents[1])
IMPORT = """
import importlib, os, pkgutil, select, signal, sys, _thread
assert not hasattr(os, "pidfd_open") and not hasattr(select, "epoll") and not hasattr(signal, "pidfd_send_signal")
assert hasattr(_thread, "get_native_id") is sys.platform.startswith("freebsd")
import pydfly
modules = [found.name for found in pkgutil.walk_packages(pydfly.__path__, "pydfly.")]
for module in modules:
    if module not in ("pydfly.__main__", "pydfly._native"):
        importlib.import_module(module)
print(len(modules))
"""
PURE = """
import os, sys
import pytest
os.environ["_PYTHON_SYSCONFIGDATA_NAME"] = sys.argv[1]
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *sys.argv[2:]]))
"""
# what is told on a machine that is neither of the two
ELSEWHERE = "not test_loading and not python_does_not_name and not old_headers"
PURE_SUPERVISOR = [f"tests/supervisor/test_{name}.py" for name in ("wire", "journal", "service_restarts")]
ROOMS = {
    "simkernel": ["tests/simkernel"],
    "native": ["tests/native"],
    "policies": [*PURE_SUPERVISOR, "tests/ending", "tests/cli/test_options.py"],
}


def python(flavour: str, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter without the names."""
    command = [sys.executable, "-c", names.source(flavour) + code, *words]
    # tests of what only the other system has are skipped there; no other test may be skipped
    environment = {name: value for name, value in os.environ.items() if name != "PYDFLY_REQUIRE"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, env=environment)


@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
def test_every_module_imports(flavour: str) -> None:
    """DragonFly's CPython 3.11 has no _thread.get_native_id: an import of it ended the doctor there."""
    done = python(flavour, IMPORT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 140


@pytest.mark.parametrize("rooms", ROOMS)
@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
def test_what_is_pure_works(flavour: str, rooms: str) -> None:
    """The simulated kernel, the policies and the binding on stub kernels need none of the names."""
    import sysconfig

    data = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
    other = {"dragonfly": "freebsd", "freebsd": "dragonfly"}[flavour]
    # the other system's kernels are never met by this system's Python
    done = python(flavour, PURE, data, *ROOMS[rooms], "-k", f"{ELSEWHERE} and (not {other} or {flavour})")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
