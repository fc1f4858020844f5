"""Build and run a confined machine: a Linux that looks like DragonFly or FreeBSD to whole programs.

It is a folder with a copy of this interpreter, in which the names that CPython lacks there are gone before anything
else is imported; the package with the extension; the tests; and ``machine.so``, which is preloaded into every program
that is started from there.  ``machine.c`` says what it forbids, hides and withholds.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.native import building

from . import names

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
COPIED = ("pydfly", "tests", "benchmarks", "docs", "ci", "pyproject.toml", "README.md", "build_ffi.py")
_NODES, _PIDS = 65536, 4194304  # of machine.c
_HEADER = 4096
_NODE = struct.calcsize("iiQ")
_ENTRY = struct.Struct("Q8i")
_SIZE = _HEADER + _NODES * _NODE + _PIDS * _ENTRY.size


class Entry(NamedTuple):
    """What the machine knows of a process: ``struct entry`` of machine.c."""

    ticks: int
    node: int
    forker: int
    withheld: int
    other_kind: int
    no_debugger: int
    wakeups: int
    bad_closes: int
    refused: int


class Machine:
    """A confined machine in a folder.

    Args:
        flavour: dragonfly or freebsd.
        folder: where it is, or is to be built.
    """

    def __init__(self, flavour: str, folder: Path) -> None:
        self.flavour = flavour
        self.folder = folder
        self.tree = folder / "tree"
        """The package and the tests."""
        self.python = str(folder / "python" / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
        self._library = folder / "machine.so"
        self._state = folder / "state"

    def build(self, source: Path = ROOT) -> Machine:
        """Compile it, and copy into it what is run there."""
        self.folder.mkdir(parents=True)
        self.tree.mkdir()
        for part in COPIED:
            if (source / part).is_dir():
                shutil.copytree(source / part, self.tree / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
            elif (source / part).exists():
                shutil.copy(source / part, self.tree / part)
        (self.folder / "fd").mkdir()
        for number in "012":
            (self.folder / "fd" / number).touch()
        self._compile_library()
        self._compile_extension(source)
        self._make_interpreter()
        self._forget()
        return self

    def anew(self) -> Machine:
        """Return the same machine with a memory of its own: its pids are those of another namespace."""
        number, path = tempfile.mkstemp(prefix="state.", dir=self.folder)
        os.close(number)
        other = Machine(self.flavour, self.folder)
        other._state = Path(path)
        other._forget()
        return other

    def _forget(self) -> None:
        with self._state.open("wb") as file:
            file.truncate(_SIZE)  # sparse

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a program that starts there; it does not see what is special in it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PYDFLY_", "PYTHON"))}
        return {
            **own,
            **more,
            "LD_PRELOAD": str(self._library),
            "CONFINED_LIBRARY": str(self._library),
            "CONFINED_STATE": str(self._state),
        }

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the interpreter there with these words, and return how it ended."""
        command = [self.python, *words]
        return subprocess.run(
            command, cwd=self.tree, env=self.environment(), capture_output=True, text=True, timeout=timeout
        )

    def entry(self, pid: int) -> Entry:
        """Return what the machine knows of a process."""
        with self._state.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            return Entry(*_ENTRY.unpack_from(memory, _HEADER + _NODES * _NODE + pid * _ENTRY.size))

    def _compile_library(self) -> None:
        stub = building.STUB
        system = [f"-D{building.SYSTEMS[self.flavour]}", "-U__linux__", "-I", str(stub / self.flavour), "-I", str(stub)]
        common = ["-fPIC", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-I", str(HERE)]
        kernel = self.folder / "kernel.o"
        source = str(HERE / f"{self.flavour}.c")
        building.run([*building.compiler(), "-c", *common, "-D_GNU_SOURCE", *system, source, "-o", str(kernel)])
        flavour = f"-DCONFINED_{self.flavour.upper()}"
        words = [flavour, str(HERE / "machine.c"), str(kernel), "-o", str(self._library), "-ldl", "-lpthread"]
        building.run([*building.compiler(), "-shared", *common, *words])

    def _compile_extension(self, source: Path) -> None:
        folder = self.folder / "extension"
        built = building.compile_for(self.flavour, folder, build_ffi=source / "build_ffi.py", kernel=False)
        shutil.copy(built, self.tree / "pydfly" / building.PRODUCT)

    def _make_interpreter(self) -> None:
        """Copy the interpreter; its standard library is linked, but for the module that is imported first."""
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        (self.folder / "python" / "bin").mkdir(parents=True)
        real = os.path.realpath(sys.executable)
        shutil.copy(real, self.python)
        for alias in ("python", "python3"):
            (self.folder / "python" / "bin" / alias).symlink_to(version)
        library = self.folder / "python" / "lib" / version
        library.mkdir(parents=True)
        original = Path(sysconfig.get_paths()["stdlib"])
        for entry in original.iterdir():
            if entry.name not in ("encodings", "site-packages"):
                (library / entry.name).symlink_to(entry)
        (library / "encodings").mkdir()
        for entry in (original / "encodings").iterdir():
            if entry.name == "__init__.py":
                (library / "encodings" / entry.name).write_text(entry.read_text() + names.source(self.flavour))
            elif entry.name != "__pycache__":
                (library / "encodings" / entry.name).symlink_to(entry)
        platform = names.known(self.flavour)["platform"]
        data = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
        for entry in original.glob(f"{data}.py"):
            (library / entry.name.replace(f"_{sys.platform}_", f"_{platform}_")).symlink_to(entry)
        self._link_packages(library / "site-packages")

    def _link_packages(self, folder: Path) -> None:
        folder.mkdir()
        for path in map(Path, sys.path):
            if path.name not in ("site-packages", "dist-packages") or not path.is_dir():
                continue
            for entry in path.iterdir():
                link = folder / entry.name
                if not entry.name.startswith(("pydfly", "__editable__")) and not link.exists():
                    link.symlink_to(entry)


def main(words: list[str]) -> int:
    """Build machines in a folder, or run the interpreter of one: ``FOLDER FLAVOUR... [-- WORDS...]``."""
    if "--" in words:
        folder, flavour, *rest = words
        machine = Machine(flavour, Path(folder, flavour)).anew()
        os.chdir(machine.tree)
        os.execve(machine.python, [machine.python, *rest[1:]], machine.environment())
    for flavour in words[1:]:
        Machine(flavour, Path(words[0], flavour)).build()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
