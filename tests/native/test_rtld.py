"""Residency on DragonFly by the run-time linker: what it is started with, and what its exit status means."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import pydfly
from pydfly.backends.protocol import Backend
from pydfly.cli import main
from pydfly.structs import Program

from .building import Kernel, compiler

Linker = Callable[[str], Program]


@pytest.fixture
def linker(tmp_path: Path) -> Linker:
    """Make a program that stands for a dynamic one: it does what the shell text says, as the linker would."""

    def make(text: str) -> Program:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        status = path.stat()
        return Program(str(path), status.st_size, status.st_dev, status.st_ino, 0x1000)

    return make


def test_what_the_program_is_started_with(
    dragonfly: Kernel, linker: Linker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One variable and no other: every user that runs the program later can see the environment.  argv is the path."""
    monkeypatch.setenv("SECRET", "in the environment of root")
    monkeypatch.setenv("LD_PRELOAD_X", "x")
    program = linker(f'cat /proc/$$/environ > {tmp_path}/environ; echo "$0 $#" > {tmp_path}/words')
    backend = pydfly.backends.current()
    backend.make_resident(program)
    assert (tmp_path / "environ").read_bytes() == b"LD_RESIDENT_REGISTER_NOW=yes\0"
    assert (tmp_path / "words").read_text() == f"{program.path} 0\n"
    backend.unmake_resident(program)
    assert (tmp_path / "environ").read_bytes() == b"LD_RESIDENT_UNREGISTER_NOW=yes\0"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("exit 1", "EPERM", PermissionError),
        ("exit 2", "ENOENT", FileNotFoundError),
        ("exit 17", "EEXIST", FileExistsError),
    ],
)
def test_statuses_that_are_errnos(dragonfly: Kernel, linker: Linker, text: str, name: str, kind: type[OSError]) -> None:
    """LD-4: on either way, by the name of the call that the linker makes."""
    backend: Backend = pydfly.backends.current()
    for action, call in (
        (backend.make_resident, "exec_sys_register"),
        (backend.unmake_resident, "exec_sys_unregister"),
    ):
        with pytest.raises(kind) as caught:
            action(linker(text))
        assert isinstance(caught.value, pydfly.SyscallError)
        assert (caught.value.syscall, caught.value.errno_name) == (call, name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("exit 5", f"exit status {os.strerror(5)}"), ("kill -SEGV $$", f"signal {int(signal.SIGSEGV)}")],
)
def test_statuses_that_no_errno_stands_for(dragonfly: Kernel, linker: Linker, text: str, reason: str) -> None:
    """LD-6 and a crash: in the words of resident(8)."""
    with pytest.raises(pydfly.SyscallError) as caught:
        pydfly.backends.current().make_resident(linker(text))
    assert (caught.value.syscall, caught.value.reason) == ("rtld", reason)


def test_a_program_that_cannot_be_executed(dragonfly: Kernel, linker: Linker) -> None:
    """The errno of execve, at once."""
    program = linker("exit 0")
    os.chmod(program.path, stat.S_IRUSR)
    with pytest.raises(PermissionError) as caught:
        pydfly.backends.current().make_resident(program)
    assert isinstance(caught.value, pydfly.SyscallError)
    assert caught.value.syscall == "execve"
    os.unlink(program.path)
    with pytest.raises(FileNotFoundError):
        pydfly.backends.current().make_resident(program)


def test_signals_that_python_ignores_are_not_passed_on(dragonfly: Kernel, linker: Linker, tmp_path: Path) -> None:
    """A static program under -f really runs (LD-6), and expects SIGPIPE to end it."""
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    pydfly.backends.current().make_resident(linker(f"grep SigIgn /proc/$$/status > {tmp_path}/ignored"))
    ignored = int((tmp_path / "ignored").read_text().split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_other_code_collects_the_child(dragonfly: Kernel, linker: Linker) -> None:
    """With SIGCHLD ignored the status is lost; the kernel's list tells what was done."""
    backend = pydfly.backends.current()
    program = linker("exit 0")
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        backend.unmake_resident(program)
        with pytest.raises(ChildProcessError):
            backend.make_resident(program)
        dragonfly.add_resident(1, 0, program.path.encode(), 1, program.dev & 0xFFFFFFFF, program.ino)
        backend.make_resident(program)
        with pytest.raises(ChildProcessError):
            backend.unmake_resident(program)
    finally:
        signal.signal(signal.SIGCHLD, before)


def _compiled(folder: Path, body: str) -> str:
    """Compile a program that ends as the linker would."""
    source, program = folder / "ends.c", folder / "ends"
    source.write_text(f"#include <signal.h>\nint main(void) {{ {body} }}\n")
    subprocess.run([*compiler(), str(source), "-o", str(program)], check=True)
    return str(program)


def test_through_the_friendly_layer(dragonfly: Kernel, tmp_path: Path) -> None:
    """resident.register() with force; without it the file is examined first, and no process started."""
    program = _compiled(tmp_path, "return 17;")
    with pytest.raises(FileExistsError):
        pydfly.resident.register(program, force=True)
    with pytest.raises(FileExistsError):
        pydfly.resident.unregister_program(program)
    with pytest.raises(pydfly.NotRegistrableError):  # position-independent
        pydfly.resident.register(program)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1;", "{0}: exit status Operation not permitted\n"),
        ("return 2;", "{0}: entry not found\n"),
        ("return 17;", "{0}: binary already resident\n"),
        ("return 5;", "{0}: exit status Input/output error\n"),
        ("raise(SIGSEGV);", "{0}: signal 11\n"),
        ("return 0;", ""),
    ],
)
def test_the_command_says_what_resident_says(
    dragonfly: Kernel, tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str, said: str
) -> None:
    """4.6, the texts about the child."""
    program = _compiled(tmp_path, body)
    assert main(["resident", "-f", program]) == bool(said)
    assert capfd.readouterr() == ("", said.format(program))


def test_the_command_lists(dragonfly: Kernel, capfd: pytest.CaptureFixture[str]) -> None:
    """resident -l from vm.resident, resident -R through exec_sys_unregister."""
    dragonfly.add_resident(1, 0x800012345678, b"/bin/sh", 42, 1, 2)
    assert main(["resident", "-l"]) == 0
    assert capfd.readouterr().out.splitlines()[1] == f"{1:<4d}\t{42:<15d}\t0x{0x12345678:<12x}\t{'/bin/sh':<30s}"
    assert main(["resident", "-R"]) == 0
    assert capfd.readouterr().out == "unregister: success\n"
    dragonfly.set_int("euid", 1001)
    assert main(["resident", "-l"]) == 1
    assert capfd.readouterr().err == f"sysctl: vm.resident: {os.strerror(errno.EPERM)}\n"


def test_dynamic_programs_are_examined_alike(dragonfly: Kernel, tmp_path: Path) -> None:
    """The checks of resident(8) come before any process, on this backend as on the others."""
    path = tmp_path / "static"
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    with pytest.raises(pydfly.NotRegistrableError):
        pydfly.resident.register(path)
    assert dragonfly.calls() == []
