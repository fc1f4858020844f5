"""What is loaded straight from its bytecode is what a plain import would give, and all that is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pydfly
from pydfly import bytecode
from tests.conftest import linux_only

PACKAGE = Path(pydfly.__file__).parent
NAMES = [f"pydfly.{path.removesuffix('/__init__').replace('/', '.')}" for path in (*bytecode.GUARD, *bytecode.RUN)]
COMPILE = f"import compileall; compileall.compile_dir({str(PACKAGE)!r}, quiet=2)\n"
ASKED = """
import sys
class Asked:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("pydfly."):
            print(name, file=sys.__stderr__, flush=True)
sys.meta_path.insert(0, Asked())
"""
PARTS = {
    "guard": ("bytecode.GUARD", "import pydfly.supervisor.keepers.guard_program"),
    "run": ("bytecode.RUN", "from pydfly.cli import main; main(['run', '--', 'true'])"),
}


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has the package's bytecode."""
    words = [sys.executable, *options, "-c", code]
    return subprocess.run(words, capture_output=True, text=True, timeout=200, check=True)


@linux_only
@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_looked_for(part: str) -> None:
    """After loading, no module of the package is looked for in the places where modules may be."""
    listed, use = PARTS[part]
    asked = python(f"{COMPILE}from pydfly import bytecode, cli\nbytecode.load({listed})\n{ASKED}\n{use}").stderr
    assert [line for line in asked.splitlines() if line.startswith("pydfly.")] == []


@linux_only
def test_nothing_is_loaded_in_vain() -> None:
    """The lists name no module that a plain import of the same programs does not load."""
    plain = "import pydfly.supervisor.keepers.guard_program, pydfly.cli.run, pydfly.ending.warden_domain_linux, sys"
    loaded = python(f"{plain}; print(*sys.modules)").stdout.split()
    assert set(NAMES) - set(loaded) == set()


@linux_only
def test_order() -> None:
    """Each module stands behind those that it imports: while the list is loaded nothing is looked for either."""
    for listed, _ in PARTS.values():
        code = f"{COMPILE}from pydfly import bytecode, cli\n{ASKED}\nbytecode.load({listed})"
        assert python(code).stderr == ""


def test_same_as_a_plain_import() -> None:
    """Modules have the attributes that a plain import gives them."""
    tell = """
import sys
for name in sorted(name for name in sys.modules if name.startswith("pydfly.")):
    module = sys.modules[name]
    spec = module.__spec__
    print(name, module.__file__, module.__package__, getattr(module, "__path__", None), type(module.__loader__),
          spec.name, spec.origin, spec.cached, spec.has_location, spec.submodule_search_locations, spec.parent,
          sorted(key for key in vars(module)), sep="|")
"""
    load = "from pydfly import bytecode, cli\n"
    quick = python(f"{COMPILE}{load}bytecode.load(bytecode.RUN)\n{tell}").stdout
    names = [f"pydfly.{path.removesuffix('/__init__').replace('/', '.')}" for path in bytecode.RUN]
    plain = python(f"{load}for name in {names!r}: __import__(name)\n{tell}").stdout
    assert quick.splitlines() == plain.splitlines()


def test_stale_bytecode_is_not_used(tmp_path: Path) -> None:
    """A source that was changed after it was compiled is compiled again."""
    package = tmp_path / "pydfly"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "bytecode.py").write_text((PACKAGE / "bytecode.py").read_text())
    (package / "thing.py").write_text("value = 1\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom pydfly import bytecode\n"
    code += "bytecode.load(['thing'])\nloaded = 'pydfly.thing' in sys.modules\nfrom pydfly import thing\n"
    code += "print(loaded, thing.value)"
    environment = {"PATH": "/usr/bin:/bin"}  # without PYTHONDONTWRITEBYTECODE

    def play() -> str:
        words = [sys.executable, "-c", code]
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=200, check=True).stdout

    assert play() == "False 1\n"  # there is none yet
    assert play() == "True 1\n"
    (package / "thing.py").write_text("value = 22\n")
    assert play() == "False 22\n"


def test_errors_of_a_module_are_told(tmp_path: Path) -> None:
    """A module that cannot be executed is not left half loaded."""
    package = tmp_path / "pydfly"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "bytecode.py").write_text((PACKAGE / "bytecode.py").read_text())
    (package / "thing.py").write_text("raise ImportError('no such thing')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport compileall\n"
    code += f"compileall.compile_dir({str(package)!r}, quiet=2)\nfrom pydfly import bytecode\n"
    code += "try: bytecode.load(['thing'])\nexcept ImportError as error: print(error, 'pydfly.thing' in sys.modules)"
    assert python(code).stdout == "no such thing False\n"
