"""The run-time linker's part: what the variables make a program do instead of running."""

from __future__ import annotations

import pytest

from pydfly.simkernel import Process
from pydfly.simkernel.dragonfly.rules import rtld

from .told import ended

REGISTER = {rtld.REGISTER_NOW: "yes"}
UNREGISTER = {rtld.UNREGISTER_NOW: "yes"}


def run(shell: Process, environ: dict[str, str], **file: object) -> tuple[Process, int | None]:
    """Execute /bin/a with an environment; return the process, and its exit code if it has exited."""
    child = shell.fork()
    child.execve("/bin/a", environ=environ, **file)  # type: ignore[arg-type]
    waited = ended(shell, child.pid)
    return child, None if waited is None else waited[1] >> 8


def test_register_and_unregister(shell: Process) -> None:
    """LD-4, LD-8."""
    assert run(shell, REGISTER)[1] == 0
    entry = shell.vm_resident()[0]
    assert (entry.path, entry.entry_address) == ("/bin/a", rtld.RESIDENT_START)
    assert run(shell, REGISTER)[1] == 17
    started, code = run(shell, {})
    assert code is None and started.memory == {"resident": True}
    assert run(shell, UNREGISTER)[1] == 0
    assert shell.vm_resident() == []
    assert run(shell, UNREGISTER)[1] == 2


def test_not_root(shell: Process) -> None:
    shell.setuid(5)
    assert run(shell, REGISTER)[1] == 1
    assert run(shell, UNREGISTER)[1] == 1
    assert run(shell, REGISTER, suid=True, owner=0)[1] == 0  # LD-5


@pytest.mark.parametrize("value", ["", "no", "yes"])
def test_presence_counts(shell: Process, value: str) -> None:
    """LD-1."""
    assert run(shell, {rtld.REGISTER_NOW: value})[1] == 0
    assert len(shell.vm_resident()) == 1


def test_unregister_wins(shell: Process) -> None:
    """LD-2."""
    assert run(shell, {**REGISTER, **UNREGISTER})[1] == 2
    assert shell.vm_resident() == []


@pytest.mark.parametrize("name", ["LD_TRACE_LOADED_OBJECTS", "LD_DUMP_REL_PRE"])
def test_what_wins_over_everything(shell: Process, name: str) -> None:
    assert run(shell, {**REGISTER, **UNREGISTER, name: "1"})[1] == 0
    assert shell.vm_resident() == []


def test_dumping_afterwards_comes_between_the_two(shell: Process) -> None:
    assert run(shell, {**REGISTER, "LD_DUMP_REL_POST": "1"})[1] == 0
    assert shell.vm_resident() == []
    assert run(shell, {**UNREGISTER, "LD_DUMP_REL_POST": "1"})[1] == 2


def test_a_resident_image_does_not_dump_relocations_before(shell: Process) -> None:
    assert run(shell, REGISTER)[1] == 0
    assert run(shell, {**UNREGISTER, "LD_DUMP_REL_PRE": "1"})[1] == 0
    assert shell.vm_resident() == []


def test_a_static_program_ignores_them(shell: Process) -> None:
    """LD-6."""
    assert run(shell, REGISTER, static=True)[1] is None
    assert shell.vm_resident() == []


def test_other_variables_do_nothing(shell: Process) -> None:
    assert run(shell, {"HOME": "/"})[1] is None


def test_the_first_dynamic_program_of_a_chain_acts(shell: Process) -> None:
    """LD-7: the variables are inherited."""
    child = shell.fork()
    child.execve("/bin/static", environ=REGISTER, static=True)
    child.execve("/bin/sh")
    assert [entry.path for entry in shell.vm_resident()] == ["/bin/sh"]
    assert not child.alive


def test_the_names_of_the_exit_codes() -> None:
    assert [rtld.errno_name(code) for code in (1, 2, 17)] == ["EPERM", "ENOENT", "EEXIST"]
