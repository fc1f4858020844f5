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
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import pydfly
from pydfly import NotRegistrableError, SyscallError
from pydfly.resident.elf import (
    NOT_DYNAMIC,
    NOT_FREEBSD,
    SHARED_LIBRARY,
    UNREADABLE,
    examine,
    is_dynamic,
    problems,
)
from tests.elves import DYNAMIC, LOAD, SHARED, elf

FORMATS = [(bits, little) for bits in (32, 64) for little in (True, False)]
BITS, LITTLE = 8 * struct.calcsize("P"), sys.byteorder == "little"
HEADER = {32: 52, 64: 64}[BITS]


def made(folder: Path, content: bytes, mode: int = 0o755) -> str:
    """Write an executable file and return its path."""
    path = folder / "program"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


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
        ({"count": 9, "kind": SHARED}, [UNREADABLE, NOT_FREEBSD]),
        ({"count": 9, "kind": SHARED, "osabi": 9}, [UNREADABLE]),
        ({"segments": (), "segment_size": 8}, [NOT_DYNAMIC]),
        ({"segments": (DYNAMIC, LOAD, LOAD)}, []),
    ],
)
def test_formats(options: dict[str, object], texts: list[str]) -> None:
    """Files of this machine's own kind, whatever their header says of class and byte order: the tool ignores that."""
    content = bytearray(elf(BITS, LITTLE, **options) + b"the rest")  # type: ignore[arg-type]
    for kind, order in ((content[4], content[5]), (0, 0), (1, 2), (7, 5)):
        content[4:6] = kind, order
        assert problems(io.BytesIO(content)) == texts


@pytest.mark.skipif(BITS != 64, reason="64 bits are foreign on a machine of 32")
def test_files_of_another_kind() -> None:
    """They are read as this machine's own, so what the tool says depends on what stands where it looks."""
    assert problems(io.BytesIO(elf(32) + b"the rest")) == [NOT_DYNAMIC]  # it seems to have no program headers
    assert problems(io.BytesIO(elf(64, not LITTLE) + b"the rest")) == [UNREADABLE, NOT_DYNAMIC]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", [NOT_DYNAMIC]),
        (b"short", [NOT_DYNAMIC]),
        (b"#!/bin/sh\nexit 0\n", [NOT_DYNAMIC]),
        (b"\x7fELF", [NOT_DYNAMIC]),
        (elf(BITS, LITTLE)[: HEADER - 1], [NOT_DYNAMIC]),
        (b"#!/bin/sh\n" + b"# a script long enough to be read as a header\n" * 3, [NOT_DYNAMIC]),
        (b"x" * 64, [NOT_DYNAMIC]),
        (b"\x7fELF\x07\x01" + bytes(80), [NOT_DYNAMIC]),
        (b"\x7fELF\x02\x05" + bytes(80), [NOT_DYNAMIC]),
        (elf(BITS, LITTLE)[:HEADER], [UNREADABLE, NOT_DYNAMIC]),
        (elf(BITS, LITTLE)[:-1], [UNREADABLE, NOT_DYNAMIC]),
    ],
)
def test_not_programs(content: bytes, texts: list[str]) -> None:
    """An ELF file that is cut off behind its header gets both texts, anything else one."""
    assert problems(io.BytesIO(content)) == texts


def test_program_is_what_was_opened(tmp_path: Path) -> None:
    """Identity, size and entry point come from the open file."""
    path = made(tmp_path, elf(entry=0x123456789A))
    status = os.stat(path)
    program = examine(path)
    assert program[:5] == (path, status.st_size, status.st_dev, status.st_ino, 0x123456789A)
    for bits, little in FORMATS:
        assert examine(made(tmp_path, elf(bits, little, entry=0x8048000)), force=True).entry == 0x8048000


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
    for line in (b"#!\n", b"#! \t\0x\n"):
        with pytest.raises(SyscallError, match="ENOEXEC"):
            examine(made(tmp_path, line), force=True)
    with pytest.raises(SyscallError, match="ENOENT"):  # only blanks and tabs end the name
        examine(made(tmp_path, b"#!%s\r\n" % os.fsencode(interpreter)), force=True)


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
    if len(content) < HEADER:
        return [NOT_DYNAMIC]
    word, place, segment = ("I", 28, 32) if BITS == 32 else ("Q", 32, 56)
    (offset,) = struct.unpack_from(word, content, place)
    given, count = struct.unpack_from("=2H", content, HEADER - 10)
    if offset >= 2**63:
        return [UNREADABLE, NOT_DYNAMIC]
    texts, dynamic = [], False
    for number in range(count):
        begin = offset + number * segment
        if given != segment or begin + segment > len(content):
            texts = [UNREADABLE]
            break
        dynamic = dynamic or struct.unpack_from("=I", content, begin) == (2,)
    if not dynamic:
        return [*texts, NOT_DYNAMIC]
    if struct.unpack_from("=H", content, 16) == (3,) and not content[7] & 9:
        return [*texts, NOT_FREEBSD]
    return texts or ([SHARED_LIBRARY] if struct.unpack_from("=H", content, 16) == (3,) else [])


def test_damaged_files() -> None:
    """Random bytes and mutated headers get the texts that a reader of plain bytes finds; never a crash."""
    for content in damaged(random.Random(20260707), int(os.environ.get("PYDFLY_DAMAGED_FILES", "2000"))):
        assert problems(io.BytesIO(content)) == expected(content), content.hex()


@pytest.mark.skipif(sys.platform != "linux", reason="registers on Linux")
def test_damaged_programs(tmp_path: Path) -> None:
    """The same as files: each is registered or refused with one of the specified errors."""
    count = int(os.environ.get("PYDFLY_DAMAGED_FILES", "2000")) // 4
    for number, content in enumerate(damaged(random.Random(7), count)):
        (tmp_path / str(number)).write_bytes(content)
        (tmp_path / str(number)).chmod(0o755)
    good = 0
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        for number in range(count):
            with suppress(NotRegistrableError):
                pydfly.resident.register(tmp_path / str(number))
                good += 1
        assert len(pydfly.resident.entries()) == good > 0


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
