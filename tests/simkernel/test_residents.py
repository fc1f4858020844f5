"""Resident executables: registering, ids, listing, and an exec that starts from a snapshot."""

from __future__ import annotations

import pytest

from pydfly import SyscallError, resident_rules
from pydfly.simkernel import Kernel, Process

from .told import refused


def listed(process: Process) -> list[tuple[int, str]]:
    return [(entry.id, entry.path) for entry in process.vm_resident()]


def run(shell: Process, path: str) -> Process:
    child = shell.fork()
    child.execve(path)
    return child


class TestRegister:
    def test_the_order_of_the_checks(self, kernel: Kernel, shell: Process) -> None:
        """EPERM, ENOENT, EEXIST."""
        bare = kernel.init.fork()
        bare.euid = 5
        with refused("EPERM", "exec_sys_register"):
            bare.exec_sys_register(0)
        bare.euid = 0
        with refused("ENOENT"):
            bare.exec_sys_register(0)
        shell.exec_sys_register(0)
        with refused("EEXIST"):
            shell.exec_sys_register(0)
        shell.setuid(5)
        with refused("EPERM"):
            shell.exec_sys_register(0)

    def test_a_jailed_root_is_refused_everything(self, kernel: Kernel) -> None:
        """RS-4, VR-1."""
        prisoner = kernel.spawn("/bin/sh", jailed=True)
        for call in (
            lambda: prisoner.exec_sys_register(0),
            lambda: prisoner.exec_sys_unregister(-2),
            prisoner.vm_resident,
            prisoner.vm_resident_length,
        ):
            with refused("EPERM"):
                call()

    def test_the_effective_uid_counts(self, shell: Process) -> None:
        shell.ruid = 5
        shell.exec_sys_register(0)
        assert listed(shell) == [(1, "/bin/sh")]

    @pytest.mark.parametrize("entry", [0, -1, 4096, 2**63])
    def test_the_address_is_never_looked_at(self, shell: Process, entry: int) -> None:
        shell.exec_sys_register(entry)
        assert shell.vm_resident()[0].entry_address == entry

    def test_the_text_is_the_parents_after_a_fork(self, shell: Process) -> None:
        """RX-5."""
        shell.exec_sys_register(0)
        with refused("EEXIST"):
            shell.fork().exec_sys_register(0)

    def test_it_outlives_the_process(self, shell: Process) -> None:
        child = run(shell, "/bin/a")
        child.exec_sys_register(0)
        child.exit(0)
        assert listed(shell) == [(1, "/bin/a")]


class TestUnregister:
    def test_the_order_of_the_checks(self, shell: Process) -> None:
        user = shell.fork()
        user.setuid(5)
        with refused("EPERM", "exec_sys_unregister"):
            user.exec_sys_unregister(-2)
        for id in (-2, -1, 0, 1, -3, 12345):
            with refused("ENOENT"):
                shell.exec_sys_unregister(id)

    def test_ids_are_given_out_again_while_they_live(self, shell: Process) -> None:
        """RX-8, RS-1, RS-2: the example of 4.2."""
        a, b, c = (run(shell, path) for path in ("/a", "/b", "/c"))
        a.exec_sys_register(0)
        b.exec_sys_register(0)
        assert listed(shell) == [(1, "/a"), (2, "/b")]
        assert shell.exec_sys_unregister(1) == 1
        c.exec_sys_register(0)
        assert listed(shell) == [(2, "/b"), (2, "/c")]
        assert shell.vm_resident_length() == 2
        assert shell.exec_sys_unregister(2) == 2
        assert (listed(shell), shell.vm_resident_length()) == ([], 0)

    def test_minus_one_takes_whatever_shares_the_id(self, shell: Process) -> None:
        a, b, c = (run(shell, path) for path in ("/a", "/b", "/c"))
        a.exec_sys_register(0)
        b.exec_sys_register(0)
        a.exec_sys_unregister(-1)
        c.exec_sys_register(0)
        with refused("ENOENT"):
            shell.exec_sys_unregister(-1)
        assert b.exec_sys_unregister(-1) == 2

    def test_minus_two_takes_everything_once(self, shell: Process) -> None:
        """RS-3."""
        for path in ("/a", "/b", "/c"):
            run(shell, path).exec_sys_register(0)
        assert shell.exec_sys_unregister(-2) == 3
        with refused("ENOENT"):
            shell.exec_sys_unregister(-2)
        shell.exec_sys_register(0)
        assert listed(shell) == [(1, "/bin/sh")]

    def test_zero_and_other_negatives_match_nothing(self, shell: Process) -> None:
        shell.exec_sys_register(0)
        for id in (0, -3, 2):
            with refused("ENOENT"):
                shell.exec_sys_unregister(id)
        assert listed(shell) == [(1, "/bin/sh")]


class TestExec:
    def test_it_starts_from_a_copy_of_the_snapshot(self, shell: Process) -> None:
        """RX-6, RX-7 and 4.3: variables as they were at registration; new argv."""
        maker = shell.fork()
        maker.execve("/bin/a", environ={"SECRET": "x"})
        maker.memory["table"] = [1, 2]
        maker.exec_sys_register(0x1234)
        maker.memory["table"].append(3)  # type: ignore[attr-defined]
        user = shell.fork()
        started = user.execve("/bin/a", ["a", "arg"], {"HOME": "/"})
        assert started == (True, 0x1234)
        assert (user.memory, user.argv, user.environ) == ({"table": [1, 2]}, ("a", "arg"), {"HOME": "/"})
        assert user.stack == ("a", "arg", "HOME=/", "/bin/a", "SECRET=x")  # the registrant's stack can be read below
        user.memory["table"] = None
        again = shell.fork()
        again.execve("/bin/a")
        assert again.memory == {"table": [1, 2]}
        shell.exec_sys_unregister(-2)
        assert again.memory == {"table": [1, 2]}
        assert again.execve("/bin/a") == (False, 4096)
        assert again.memory == {}

    def test_a_registration_without_any_variables(self, shell: Process) -> None:
        shell.exec_sys_register(1)
        child = run(shell, "/bin/sh")
        assert (child.memory, child.stack) == ({}, ("/bin/sh", "/bin/sh"))

    def test_a_script_uses_the_snapshot_of_its_interpreter(self, shell: Process) -> None:
        shell.exec_sys_register(0x77)
        assert shell.fork().execve("/bin/script", interpreter="/bin/sh") == (True, 0x77)

    def test_set_id_files_are_handled_as_ever(self, shell: Process) -> None:
        run(shell, "/bin/su").exec_sys_register(0x77)
        user = shell.fork()
        user.setuid(5)
        assert user.execve("/bin/su", suid=True, owner=0) == (True, 0x77)
        assert (user.ruid, user.euid) == (5, 0)


class TestListing:
    def test_not_privileged_is_eperm_even_when_there_is_nothing(self, shell: Process) -> None:
        """VR-1."""
        shell.setuid(5)
        with refused("EPERM", "vm.resident"):
            shell.vm_resident()
        with refused("EPERM", "vm.resident"):
            shell.vm_resident_length()

    def test_empty(self, shell: Process) -> None:
        """VR-2."""
        assert (shell.vm_resident(), shell.vm_resident_length()) == ([], 0)

    def test_without_a_buffer_the_number_of_entries(self, shell: Process) -> None:
        """VR-3."""
        for path in ("/a", "/b"):
            run(shell, path).exec_sys_register(9)
        assert shell.vm_resident_length() == 2
        entry = shell.vm_resident()[1]
        vnode = shell.kernel.vnodes.lookup("/b")
        assert entry == (2, 9, "/b", vnode.size, vnode.dev, vnode.ino)

    def test_a_short_buffer(self, shell: Process) -> None:
        """VR-5: what fits is copied all the same."""
        for path in ("/a", "/b"):
            run(shell, path).exec_sys_register(9)
        assert shell.vm_resident(2 * 1168) == shell.vm_resident()
        with pytest.raises(SyscallError) as short:
            shell.vm_resident(2 * 1168 - 1)
        assert short.value.errno_name == "ENOMEM"
        assert short.value.result == shell.vm_resident()[:1]


class TestIdentity:
    """RX-3: the vnode counts, not the name."""

    def test_a_renamed_file_stays_resident_and_is_listed_by_its_new_name(self, kernel: Kernel, shell: Process) -> None:
        run(shell, "/a").exec_sys_register(5)
        kernel.vnodes.rename("/a", "/b")
        assert listed(shell) == [(1, "/b")]
        assert shell.fork().execve("/b").resident
        assert not shell.fork().execve("/a").resident

    def test_a_hard_link_is_the_same_binary(self, kernel: Kernel, shell: Process) -> None:
        run(shell, "/a").exec_sys_register(5)
        kernel.vnodes.link("/a", "/b")
        assert shell.fork().execve("/b").resident
        assert listed(shell) == [(1, "/b")]  # VR-6: the name that was used last

    def test_a_file_in_its_place_is_another_one(self, kernel: Kernel, shell: Process) -> None:
        run(shell, "/a").exec_sys_register(5)
        kernel.vnodes.create("/a", 123)
        new = run(shell, "/a")
        new.exec_sys_register(6)
        assert [(entry.id, entry.path, entry.size) for entry in shell.vm_resident()] == [
            (1, "/a", 4096),
            (2, "/a", 123),
        ]

    def test_an_unlinked_file_keeps_its_name(self, kernel: Kernel, shell: Process) -> None:
        """VR-6, as seen."""
        run(shell, "/a").exec_sys_register(5)
        kernel.vnodes.unlink("/a")
        assert listed(shell) == [(1, "/a")]
        assert not shell.fork().execve("/a").resident


def test_the_rules_alone() -> None:
    """resident_rules: what the simulated kernel and the Linux registry share."""
    resident_rules.require_privilege(True, "vm.resident")
    assert resident_rules.new_id(0, False) == 1
    assert resident_rules.new_id(2, False) == 3
    assert resident_rules.removed([2, 1, 2], 2, None) == [0, 2]
    assert resident_rules.removed([2, 1, 2], -1, 1) == [1]
    assert resident_rules.removed([2, 1], -2, None) == [0, 1]
