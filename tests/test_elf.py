"""The checks of resident(8): which files it refuses, and in which words."""

from __future__ import annotations

import errno
import io
import os
import random
from pathlib import Path

import pytest

from pydfly import NotRegistrableError, SyscallError
from pydfly.elf import NOT_DYNAMIC, NOT_FREEBSD, SHARED_LIBRARY, UNREADABLE, examine, is_dynamic, problems
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
        (b"", [UNREADABLE, NOT_DYNAMIC]),
        (b"short", [UNREADABLE, NOT_DYNAMIC]),
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
    """A short file gets both texts, anything else one."""
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
    assert caught.value.result == (UNREADABLE, NOT_DYNAMIC)


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
    with pytest.raises(NotRegistrableError, match="can't read program header"):
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


def test_damaged_files() -> None:
    """Random bytes and mutated headers: only the known texts, never a crash."""
    chance = random.Random(20260707)
    known = {UNREADABLE, NOT_DYNAMIC, NOT_FREEBSD, SHARED_LIBRARY}
    originals = [elf(bits, little, kind) for bits, little in FORMATS for kind in (2, 3)]
    count = int(os.environ.get("PYDFLY_DAMAGED_FILES", "2000"))
    for number in range(count):
        if number % 4 == 0:
            content = bytearray(chance.randbytes(chance.randrange(200)))
        else:
            content = bytearray(chance.choice(originals) + chance.randbytes(64))
            for _ in range(chance.randrange(1, 6)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            del content[chance.choice([len(content), chance.randrange(len(content))]) :]
        assert set(problems(io.BytesIO(content))) <= known, content.hex()
