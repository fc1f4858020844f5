"""api.py uses every public name; that its types hold is checked by mypy."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pydfly
from pydfly import aio, pdeathsig, reaper, resident, simkernel, testing

API = Path(__file__).with_name("api.py")


def functions(module: object) -> set[str]:
    """Return the public functions that a module defines itself."""
    name = getattr(module, "__name__", "")
    return {key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == name} - {
        key for key in vars(module) if key.startswith("_")
    }


def test_every_public_name_is_used() -> None:
    """A name that is added to the package must be typed, and tried, in api.py."""
    public = set(pydfly.__all__) | set(resident.__all__) | set(aio.__all__) | {"boot", "Kernel", "Process"}
    public |= set(simkernel.__all__) & {"KernelPanic", "SimulationError"}
    public |= functions(reaper) | functions(pdeathsig) | functions(testing)
    tree = ast.parse(API.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert public - used == set()


def test_types_hold() -> None:
    pytest.importorskip("mypy", reason="the extra `test` brings it")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(API)], cwd=API.parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
