"""The checks of resident(8): which files it refuses, and in which words."""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import pydfly
from pydfly import NotRegistrableError, SyscallError
from pydfly.resident.elf import NOT_DYNAMIC, NOT_FREEBSD, SHARED_LIBRARY, UNREADABLE, examine, is_dynamic, problems
from tests.elves import DYNAMIC, LOAD, SHARED, elf

FORMATS = [(bits, little) for bits in (32, 64) for little in (True, False)]


def made(folder: Path, content: bytes, mode: int = 0o755) -> str:
    """Write an executable file and return its path."""
    path = folder / "program"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(("bits", "little"), FORMATS)
@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({}, []),
        ({"segments": (LOAD,)}, [NOT_DYNAMIC]),
        ({"segments": ()}, [NOT_DYNAMIC]),
        ({"kind": SHARED}, [NOT_FREEBSD]),
        ({"kind": SHARED, "osabi": 9}, [SHARED_LIBRARY]),
        ({"kind": SHARED, "osabi": 1}, [SHARED_LIBRARY]),
        ({"kind": SHARED, "osabi": 8}, [SHARED_LIBRARY]),
        ({"kind": SHARED, "osabi": 2}, [NOT_FREEBSD]),
        ({"kind": SHARED, "segments": (LOAD,)}, [NOT_DYNAMIC]),
        ({"segment_size": 8}, [UNREADABLE, NOT_DYNAMIC]),
        ({"count": 9}, [UNREADABLE]),
        ({"count": 9, "segments": (LOAD,)}, [UNREADABLE, NOT_DYNAMIC]),
        ({"segments": (DYNAMIC, LOAD, LOAD)}, []),
    ],
)
def test_formats(bits: int, little: bool, options: dict[str, object], texts: list[str]) -> None:
    """Both classes and byte orders alike."""
    assert problems(io.BytesIO(elf(bits, little, **options) + b"the rest")) == texts  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", [NOT_DYNAMIC]),
        (b"short", [NOT_DYNAMIC]),
        (b"#!/bin/sh\nexit 0\n", [NOT_DYNAMIC]),
        (b"\x7fELF", [UNREADABLE, NOT_DYNAMIC]),
        (elf(64)[:63], [UNREADABLE, NOT_DYNAMIC]),
        (elf(32)[:51], [UNREADABLE, NOT_DYNAMIC]),
        (b"#!/bin/sh\n" + b"# a script long enough to be read as a header\n" * 3, [NOT_DYNAMIC]),
        (b"x" * 64, [NOT_DYNAMIC]),
        (b"\x7fELF\x07\x01" + bytes(80), [NOT_DYNAMIC]),
        (b"\x7fELF\x02\x05" + bytes(80), [NOT_DYNAMIC]),
        (elf(64)[:64], [UNREADABLE, NOT_DYNAMIC]),
        (elf(64)[:-1], [UNREADABLE, NOT_DYNAMIC]),
    ],
)
def test_not_programs(content: bytes, texts: list[str]) -> None:
    """An ELF file that is cut off gets both texts, anything else one."""
    assert problems(io.BytesIO(content)) == texts


def test_program_is_what_was_opened(tmp_path: Path) -> None:
    """Identity, size and entry point come from the open file."""
    path = made(tmp_path, elf(64, False, entry=0x123456789A))
    status = os.stat(path)
    program = examine(path)
    assert program[:5] == (path, status.st_size, status.st_dev, status.st_ino, 0x123456789A)
    assert examine(made(tmp_path, elf(32, True, entry=0x8048000))).entry == 0x8048000


def test_refusal_carries_the_texts(tmp_path: Path) -> None:
    with pytest.raises(NotRegistrableError, match="not a dynamic executable") as caught:
        examine(made(tmp_path, b"text"))
    assert caught.value.errno == errno.ENOEXEC
    assert caught.value.result == (NOT_DYNAMIC,)


@pytest.mark.parametrize(("force", "syscall"), [(False, "open"), (True, "execve")])
def test_missing_file(tmp_path: Path, force: bool, syscall: str) -> None:
    """With -f the tool does not open the file: the exec fails."""
    with pytest.raises(FileNotFoundError) as caught:
        examine(str(tmp_path / "nothing"), force)
    assert isinstance(caught.value, SyscallError)
    assert caught.value.syscall == syscall


def test_directories_fifos_and_null_bytes(tmp_path: Path) -> None:
    """Nothing blocks, and nothing but the specified errors comes."""
    with pytest.raises(NotRegistrableError, match="can't read program header: Is a directory"):
        examine(str(tmp_path))
    with pytest.raises(PermissionError):
        examine(str(tmp_path), force=True)
    os.mkfifo(tmp_path / "fifo", 0o755)
    with pytest.raises(NotRegistrableError, match="not a dynamic executable"):
        examine(str(tmp_path / "fifo"))
    with pytest.raises(PermissionError):
        examine(str(tmp_path / "fifo"), force=True)
    with pytest.raises(SyscallError) as caught:
        examine("a\0b")
    assert caught.value.errno == errno.EINVAL


def test_not_executable(tmp_path: Path) -> None:
    """The format is checked first, then the exec fails."""
    with pytest.raises(PermissionError) as caught:
        examine(made(tmp_path, elf(), mode=0o644))
    assert isinstance(caught.value, SyscallError)
    assert caught.value.syscall == "execve"
    with pytest.raises(SyscallError) as other:
        examine(made(tmp_path, b"neither ELF nor script"), force=True)
    assert other.value.errno_name == "ENOEXEC"


def test_forced_script_stands_for_its_interpreter(tmp_path: Path) -> None:
    """RS-5, LD-7: the first dynamic binary in the exec chain acts."""
    interpreter = tmp_path / "interpreter"
    interpreter.write_bytes(elf())
    interpreter.chmod(0o755)
    assert examine(made(tmp_path, b"#! %s -x\n" % os.fsencode(interpreter)), force=True).path == str(interpreter)
    with pytest.raises(SyscallError):
        examine(made(tmp_path, b"#!\n"), force=True)


def test_is_dynamic(tmp_path: Path) -> None:
    assert is_dynamic(made(tmp_path, elf()))
    assert is_dynamic(made(tmp_path, elf(kind=SHARED)))
    assert not is_dynamic(made(tmp_path, elf(segments=(LOAD,))))
    assert not is_dynamic(str(tmp_path / "nothing"))
    assert not is_dynamic(str(tmp_path))


def damaged(chance: random.Random, count: int) -> Iterator[bytes]:
    """Yield random bytes, and headers with a few bytes changed or their end cut off."""
    originals = [elf(bits, little, kind) for bits, little in FORMATS for kind in (2, 3)]
    for number in range(count):
        if number % 4 == 0:
            yield chance.randbytes(chance.randrange(200))
            continue
        content = bytearray(chance.choice(originals) + chance.randbytes(64))
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        del content[chance.choice([len(content), chance.randrange(len(content))]) :]
        yield bytes(content)


def expected(content: bytes) -> list[str]:
    """Say by other means than the package's own which texts a file deserves."""
    if content[:4] != b"\x7fELF":
        return [NOT_DYNAMIC]
    kind = content[4] if len(content) > 4 else 0
    size = {1: 52, 2: 64}.get(kind, 64)
    if len(content) < size:
        return [UNREADABLE, NOT_DYNAMIC]
    if kind not in (1, 2) or content[5] not in (1, 2):
        return [NOT_DYNAMIC]
    order = "<" if content[5] == 1 else ">"
    word, place, segment = ("I", 28, 32) if kind == 1 else ("Q", 32, 56)
    (offset,) = struct.unpack_from(f"{order}{word}", content, place)
    given, count = struct.unpack_from(f"{order}2H", content, size - 10)
    texts, dynamic = [], False
    for number in range(count):
        begin = offset + number * segment
        if given != segment or begin + segment > len(content):
            texts = [UNREADABLE]
            break
        dynamic = dynamic or struct.unpack_from(f"{order}I", content, begin) == (2,)
    if not dynamic:
        return [*texts, NOT_DYNAMIC]
    if struct.unpack_from(f"{order}H", content, 16) == (3,):
        return [*texts, SHARED_LIBRARY if content[7] & 9 else NOT_FREEBSD]
    return texts


def test_damaged_files() -> None:
    """Random bytes and mutated headers get the texts that a reader of plain bytes finds; never a crash."""
    for content in damaged(random.Random(20260707), int(os.environ.get("PYDFLY_DAMAGED_FILES", "2000"))):
        assert problems(io.BytesIO(content)) == expected(content), content.hex()


@pytest.mark.skipif(sys.platform != "linux", reason="registers on Linux")
def test_damaged_programs(tmp_path: Path) -> None:
    """The same as files: each is registered or refused with one of the specified errors, 500 a second at least."""
    count = int(os.environ.get("PYDFLY_DAMAGED_FILES", "2000")) // 4
    for number, content in enumerate(damaged(random.Random(7), count)):
        (tmp_path / str(number)).write_bytes(content)
        (tmp_path / str(number)).chmod(0o755)
    good = 0
    begin = time.perf_counter()
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        for number in range(count):
            with suppress(NotRegistrableError):
                pydfly.resident.register(tmp_path / str(number))
                good += 1
        elapsed = time.perf_counter() - begin
        assert len(pydfly.resident.entries()) == good > 0
    assert count / elapsed >= 500


@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["-no-pie"], []),
        (["-pie", "-fPIE"], [NOT_FREEBSD]),
        (["-shared", "-fPIC"], [NOT_FREEBSD]),
        (["-static", "-no-pie"], [NOT_DYNAMIC]),
    ],
)
def test_what_a_compiler_makes(tmp_path: Path, options: list[str], texts: list[str]) -> None:
    """Real programs of this machine, whose header says SYSV or GNU/Linux (which has a bit of FreeBSD's number)."""
    (tmp_path / "program.c").write_text("int main(void) { return 0; }\n")
    made = subprocess.run(["gcc", *options, "-o", "program", "program.c"], cwd=tmp_path, capture_output=True, text=True)
    if made.returncode and "-static" in options:
        pytest.skip("no static C library is installed")
    assert made.returncode == 0, made.stderr
    with (tmp_path / "program").open("rb", buffering=0) as file:
        assert problems(file) == texts
    if not texts:
        entry = subprocess.run(["readelf", "-h", "program"], cwd=tmp_path, capture_output=True, text=True).stdout
        assert f"{examine(str(tmp_path / 'program')).entry:#x}" in entry
