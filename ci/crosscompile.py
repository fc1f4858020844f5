"""Compile the extension for the systems it is for, on a machine that is none of them, with zig's headers and linker.

FreeBSD (amd64, aarch64): against FreeBSD's own headers, so that every static assertion is proved, and linked; the calls
must come out as undefined symbols with FreeBSD's versions.  DragonFly: zig has no headers of it, so the C that is ours
is compiled (and its assertions are proved) against the declarations that the tests use.

usage: crosscompile.py FOLDER        run by an interpreter that has cffi, pyelftools and ziglang
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.native.building import python_headers  # noqa: E402

VERSIONS = {"procctl": "FBSD_1.3", "modfind": "FBSD_1.0", "modstat": "FBSD_1.0", "sysctl": "FBSD_1.0"}


def main(folder: Path) -> int:
    """Make every check; return an exit status."""
    for cache in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"):
        os.environ.setdefault(cache, str(folder / "zig-cache"))
    folder.mkdir(parents=True, exist_ok=True)
    extension, shim = folder / "native.c", folder / "shim.c"
    _run(sys.executable, "build_ffi.py", extension)
    _run(sys.executable, "build_ffi.py", "--shim", shim)
    headers = python_headers(folder / "include")
    for machine in ("x86_64", "aarch64"):
        product = folder / f"native-freebsd-{machine}.so"
        # zig's own runtime is not compiled: nothing of it is used, and it takes a minute
        without = ["-fno-compiler-rt", "-fno-ubsan-rt"]
        target = ["-dynamic", "-target", f"{machine}-freebsd", "-lc", "-I", headers]
        _zig("build-lib", *without, *target, "-cflags", "-Wall", "--", extension, f"-femit-bin={product}")
        check_versions(product)
        print(f"FreeBSD {machine}: every assertion holds; {', '.join(f'{n}@{v}' for n, v in VERSIONS.items())}")
    stub = ROOT / "tests/native/stub"
    options = ["-c", "-ffreestanding", "-Wall", "-Wno-unused", "-I", stub / "dragonfly", "-I", stub / "freestanding"]
    _zig("cc", "-target", "x86_64-dragonfly", *options, shim, "-o", folder / "shim-dragonfly.o")
    print("DragonFly x86_64: compiles; every assertion holds for the declarations of the tests")
    return 0


def check_versions(product: Path) -> None:
    """Demand that the calls are the C library's, with the versions that every supported release has."""
    with product.open("rb") as file:
        elf = ELFFile(file)
        needed = {
            entry.entry.vna_other: entry.name
            for _, entries in elf.get_section_by_name(".gnu.version_r").iter_versions()
            for entry in entries
        }
        numbers = elf.get_section_by_name(".gnu.version")
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        found = {
            symbol.name: needed.get(numbers.get_symbol(place).entry["ndx"])
            for place, symbol in enumerate(symbols)
            if symbol.entry.st_shndx == "SHN_UNDEF"
        }
    wrong = {name: found.get(name) for name, version in VERSIONS.items() if found.get(name) != version}
    if wrong:
        raise SystemExit(f"{product.name}: wanted {VERSIONS}, found {wrong}")


def _zig(*words: object) -> None:
    _run(sys.executable, "-m", "ziglang", *words)


def _run(*words: object) -> None:
    done = subprocess.run(list(map(str, words)), cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, words))}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
