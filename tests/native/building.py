"""Compile pydfly._native against a stub C library of ours, and load it: DragonFly or FreeBSD inside this process."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "stub"
PRODUCT = "_native.abi3.so"
"""Name of the compiled extension."""
BUILT = "PYDFLY_STUB_BUILT"
"""Environment variable that names a folder of extensions compiled before."""
SYSTEMS = {"dragonfly": "__DragonFly__", "freebsd": "__FreeBSD__"}


def lacking() -> str | None:
    """Say what this machine lacks for compiling, or None."""
    if os.uname().sysname != "Linux":  # not sys.platform: tests/confined pretends another one
        return "the stub C library stands on glibc"
    if importlib.util.find_spec("cffi") is None:
        return "cffi is not installed"
    include = Path(sysconfig.get_paths()["include"])
    if not (include / "Python.h").exists():
        return f"no Python.h in {include}"
    return None if shutil.which(compiler()[0]) else f"no C compiler ({compiler()[0]})"


def compiler() -> list[str]:
    """Return the command of the C compiler."""
    return shlex.split(os.environ.get("PYDFLY_STUB_CC", "gcc"))


def compile_for(
    flavour: str,
    folder: Path,
    *,
    build_ffi: Path = ROOT / "build_ffi.py",
    flags: tuple[str, ...] = (),
    kernel: bool = True,
) -> Path:
    """Compile the extension with the stub kernel of a flavour in it; ``none``: without, as on any other system.

    Without ``kernel`` the calls are to be found in the program that loads it: see tests/confined.

    Raises:
        DoesNotCompileError: the text says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generated, result = folder / "_native.c", folder / PRODUCT
    run([sys.executable, str(build_ffi), str(generated)])
    extra = shlex.split(os.environ.get("PYDFLY_STUB_CFLAGS", ""))
    common = [*compiler(), "-shared", "-fPIC", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    common += ["-Wno-missing-field-initializers", "-D_GNU_SOURCE", *flags, *extra]
    if flavour in SYSTEMS:
        system = [f"-D{SYSTEMS[flavour]}", "-U__linux__", "-I", str(STUB / flavour), "-I", str(STUB)]
        common += system
        if kernel:
            made = folder / "kernel.o"
            run([*common[:1], "-c", "-fPIC", *common[3:], str(STUB / f"{flavour}.c"), "-o", str(made)])
            # a prefix map, because two kernels live in one process
            common += [str(made), "-Wl,-Bsymbolic"]
    run([*common, "-I", str(python_headers(folder / "include")), str(generated), "-o", str(result)])
    return result


def python_headers(folder: Path) -> Path:
    """Return a folder with this interpreter's headers; Debian hides pyconfig.h from all but its own compiler."""
    own = Path(sysconfig.get_paths()["include"])
    multiarch = glob.glob(f"/usr/include/*/{own.name}/pyconfig.h")
    choices = [own / "pyconfig.h", Path(sysconfig.get_config_h_filename()), *map(Path, multiarch)]
    config = next(path for path in choices if path.exists() and "define SIZEOF_LONG " in path.read_text())
    folder.mkdir(exist_ok=True)
    for header in own.iterdir():
        link = folder / header.name
        link.unlink(missing_ok=True)
        link.symlink_to(config if header.name == "pyconfig.h" else header)
    return folder


class DoesNotCompileError(Exception):
    """The compiler, or build_ffi.py, refuses; the text says why."""


def run(command: list[str]) -> None:
    """Run a command.

    Raises:
        DoesNotCompileError: it says why.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise DoesNotCompileError(done.stderr or done.stdout)


def load(path: Path) -> ModuleType:
    """Load the extension from a file, without making it the one that the package imports."""
    spec = importlib.util.spec_from_file_location("pydfly._native", path)
    assert spec is not None and spec.loader is not None
    before = sys.modules.get(spec.name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if before is None:
        sys.modules.pop(spec.name, None)  # an extension enters itself there
    else:
        sys.modules[spec.name] = before
    return module


class Entry(ctypes.Structure):
    """What the stub kernel writes down about a call: ``struct stub_entry``."""

    _fields_ = [
        ("call", ctypes.c_char * 32),
        ("arguments", ctypes.c_int64 * 3),
        ("pointer", ctypes.c_int64),
        ("value", ctypes.c_int64),
    ]


class Kernel:
    """The stub kernel inside a loaded extension, driven by the test."""

    def __init__(self, module: ModuleType, flavour: str) -> None:
        assert module.__file__
        self.module = module
        self.flavour = flavour
        self.path = module.__file__
        self._library = ctypes.CDLL(self.path)
        self._log = (Entry * 4096).in_dll(self._library, "stub_log")
        if flavour == "dragonfly":
            c_int, c_int64, c_char_p = ctypes.c_int, ctypes.c_int64, ctypes.c_char_p
            self.add_resident.argtypes = [c_int, c_int64, c_char_p, c_int64, ctypes.c_uint32, ctypes.c_uint64]

    def __getattr__(self, name: str) -> Any:
        """Functions of the stub kernel by their names without ``stub_``."""
        return getattr(self._library, f"stub_{name}")

    def set_int(self, name: str, value: int) -> None:
        """Set a variable of the stub kernel."""
        ctypes.c_int.in_dll(self._library, f"stub_{name}").value = value

    def get_int(self, name: str) -> int:
        """Return a variable of the stub kernel."""
        return ctypes.c_int.in_dll(self._library, f"stub_{name}").value

    def calls(self, name: str | None = None) -> list[Entry]:
        """Return what was called, oldest first."""
        entries = self._log[: self.get_int("logged")]
        return [entry for entry in entries if name in (None, entry.call.decode())]

    def process(self, pid: int, ppid: int, name: str = "worker", *, stat: str = "S", start: float = 1000.0) -> None:
        """Show a process; ``stat`` is the state letter that is to come out."""
        number, detail = STATES[self.flavour][stat]
        seconds = int(start)
        arguments = [pid, ppid, number, detail, ctypes.c_int64(seconds), ctypes.c_int64(round((start - seconds) * 1e6))]
        self.add_process(*arguments, name.encode())


STATES = {
    "dragonfly": {  # beside the state of the process that of its thread, its flags << 8, its kernel thread's << 16
        "I": (1, 0),
        "R": (2, 1),
        "T": (3, 0),
        "S": (2, 0x803),
        "asleep": (2, 0x400003),
        "D": (2, 3),
        "waits": (2, 0x084003),
        "Z": (4, 0),
        "?": (5, 0),
        "stopped": (2, 2),
    },
    "freebsd": {
        "I": (1, 0),
        "R": (2, 0),
        "S": (3, 8),
        "D": (3, 0),
        "T": (4, 0),
        "Z": (5, 0),
        "W": (6, 0),
        "L": (7, 0),
        "?": (9, 0),
    },
}
"""Each system's numbers for states, and what it shows besides."""
