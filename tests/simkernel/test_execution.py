"""exec: what it keeps, what it changes, and when a set-id bit counts."""

from __future__ import annotations

import pytest

from pydfly.simkernel import Process

from .told import arm, armed, refused


def ids(process: Process) -> tuple[int, ...]:
    return (process.ruid, process.euid, process.svuid, process.rgid, process.egid, process.svgid)


def test_a_plain_exec(shell: Process) -> None:
    arm(shell, 15)
    shell.kill(shell.pid, 30)
    shell.memory["x"] = 1
    started = shell.execve("/bin/ls", suid=False)
    assert started == (False, 4096)
    assert (started.resident, started.entry) == (False, 4096)
    assert armed(shell) == 15
    assert shell.pending == [30]
    assert shell.memory == {}
    assert shell.text is not None and shell.text.path == "/bin/ls"
    assert (shell.name, shell.argv, shell.stack) == ("ls", ("/bin/ls",), ("/bin/ls",))


def test_argv_and_environment(shell: Process) -> None:
    shell.execve("/bin/ls", ["ls", "-l"], {"A": "1"})
    assert (shell.argv, shell.environ, shell.stack) == (("ls", "-l"), {"A": "1"}, ("ls", "-l", "A=1"))
    shell.execve("/bin/env")
    assert shell.environ == {"A": "1"}
    for wrong in ((5,), ([],), ("/bin/ls", [1]), (b"/bin/ls",)):
        with pytest.raises(TypeError):
            shell.execve(*wrong)  # type: ignore[arg-type]
        assert shell.name == "env"
    shell.execve("/bin/env", environ={})
    assert (shell.environ, shell.stack) == ({}, ("/bin/env",))


@pytest.mark.parametrize("owner", [0, 5])
def test_set_uid_counts_only_if_the_owner_differs_from_the_effective_id(shell: Process, owner: int) -> None:
    shell.setuid(5)
    shell.execve("/bin/x")  # takes the mark of setuid() away
    arm(shell, 15)
    shell.execve("/bin/su", suid=True, owner=owner)
    changed = owner != 5
    assert ids(shell) == (5, owner, owner, 0, 0, 0)
    assert armed(shell) == (0 if changed else 15)
    assert shell.setid_mark == changed


def test_the_owner_counts_only_with_the_bit(shell: Process) -> None:
    arm(shell, 15)
    shell.execve("/bin/x", suid=False, owner=5, sgid=False, group=5)
    assert ids(shell) == (0, 0, 0, 0, 0, 0)
    assert armed(shell) == 15


def test_set_gid(shell: Process) -> None:
    arm(shell, 15)
    shell.execve("/bin/x", sgid=True, group=0)
    assert armed(shell) == 15
    shell.execve("/bin/x", sgid=True, group=7)
    assert ids(shell) == (0, 0, 0, 0, 7, 7)
    assert armed(shell) == 0
    shell.execve("/bin/x")
    assert shell.setid_mark  # the effective group still is another one
    shell.setgid(0)
    shell.execve("/bin/x")
    assert not shell.setid_mark


def test_a_mark_stays_while_the_effective_user_is_another_one(shell: Process) -> None:
    shell.execve("/bin/x", suid=True, owner=5)
    shell.execve("/bin/x")
    assert shell.setid_mark


def test_nosuid_keeps_everything(shell: Process) -> None:
    """2.2: the deathsig is cleared only by a change that is really applied."""
    arm(shell, 15)
    shell.execve("/nosuid/x", suid=True, owner=5, nosuid=True)
    assert ids(shell) == (0, 0, 0, 0, 0, 0)
    assert armed(shell) == 15


def test_a_file_in_no_executable_format(shell: Process) -> None:
    text = shell.text
    arm(shell, 15)
    with refused("ENOEXEC", "execve"):
        shell.execve("/bin/junk", suid=True, owner=5, bad=True)
    assert (shell.text, shell.euid, armed(shell)) == (text, 0, 15)


@pytest.mark.parametrize("how", ["ignore", "nocldwait", "catch"])
def test_sigchld_is_back_to_default(shell: Process, how: str) -> None:
    {"ignore": shell.ignore_sigchld, "nocldwait": shell.set_nocldwait, "catch": shell.catch_sigchld}[how](True)
    shell.execve("/bin/x")
    assert (shell.sigchld, shell.nocldwait) == ("default", False)


def test_a_script_runs_its_interpreter(shell: Process) -> None:
    """RX-5."""
    shell.execve("/bin/script", interpreter="/bin/sh")
    assert shell.text is shell.kernel.vnodes.lookup("/bin/sh")
    assert shell.name == "script"
