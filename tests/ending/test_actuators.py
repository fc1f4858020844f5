"""The three ways to find and signal members: on simulated kernels, and with recorded calls."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import pydfly
from pydfly import reaper, simkernel, syscalls
from pydfly.ending import drive, own_domain_bsd
from pydfly.ending.policy import Orders
from pydfly.structs import DescendantInfo, ReaperKill
from tests.conftest import linux_only
from tests.processes import end, fork, in_process, pause

ACTUATORS = {"dragonfly": own_domain_bsd.PidHead, "freebsd": own_domain_bsd.ReapKill}


def orders(targets: list[DescendantInfo], name: str = "SIGKILL") -> Orders:
    return Orders(name, targets, float("inf"))


@pytest.mark.parametrize("flavour", ACTUATORS)
def test_each_system_has_its_own(flavour: str) -> None:
    with pydfly.use(simkernel.boot(flavour).spawn("/bin/sh")):
        assert isinstance(drive.actuator(), ACTUATORS[flavour])


@pytest.mark.parametrize("flavour", ACTUATORS)
def test_kill_all_ends_a_simulated_domain_with_another_inside(flavour: str) -> None:
    """A nested reaper and its orphans, a zombie, and processes that block what can be blocked."""
    shell = simkernel.boot(flavour).spawn("/bin/sh")
    with pydfly.use(shell):
        reaper.acquire()
        child = shell.fork()
        nested = child.fork()
        with pydfly.use(nested):
            reaper.acquire()
        middle = nested.fork()
        orphan = middle.fork()
        middle.exit(0)
        report = reaper.kill_all(grace=1.0)
        assert {process.pid for process in report.ended} >= {child.pid, nested.pid, orphan.pid}
        assert report.survivors == []
        assert not any(process.alive for process in (child, nested, middle, orphan))
        assert not reaper.status().descendants
        assert reaper.status().first_pid is None


def test_dragonfly_sweep_finds_the_child_attached_last() -> None:
    shell = simkernel.boot("dragonfly").spawn("/bin/sh")
    with pydfly.use(shell):
        reaper.acquire()
        actuator = own_domain_bsd.PidHead()
        known = actuator.members()
        newborn = shell.fork()
        assert [process.pid for process in actuator.sweep(known)] == [newborn.pid]
        assert not newborn.alive
        assert actuator.sweep(actuator.members()) == []


def test_freebsd_sweep_kills_every_member() -> None:
    shell = simkernel.boot("freebsd").spawn("/bin/sh")
    with pydfly.use(shell):
        reaper.acquire()
        newborn = shell.fork()
        deeper = newborn.fork()
        assert own_domain_bsd.ReapKill().sweep([]) == []
        assert not newborn.alive and not deeper.alive


def test_freebsd_sweep_of_no_reaper_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would kill the whole domain of the reaper above (rule FK-11)."""
    asked: list[object] = []

    def control(command: str, *data: object) -> object:
        if command == "PROC_REAP_STATUS":
            return syscalls.control(command)
        asked.append((command, *data))
        return None

    monkeypatch.setattr(own_domain_bsd, "control", control)
    with pydfly.use(simkernel.boot("freebsd").spawn("/bin/sh")):
        own_domain_bsd.ReapKill().sweep([])
        assert asked == []
        reaper.acquire()
        own_domain_bsd.ReapKill().sweep([])
        assert asked == [("PROC_REAP_KILL", ReaperKill(signal.SIGKILL))]


@pytest.mark.parametrize("flavour", ACTUATORS)
def test_a_target_that_refuses_and_one_that_is_gone(flavour: str) -> None:
    shell = simkernel.boot(flavour).spawn("/bin/sh", uid=1001)
    with pydfly.use(shell):
        reaper.acquire()
        child = shell.fork()
        (info,) = drive.actuator().members()
        child.ruid = child.euid = child.svuid = 0
        ((target, why),) = drive.actuator().signal(orders([info]))
        assert target == info
        assert why.startswith("SIGKILL: EPERM")
        assert drive.actuator().signal(orders([info._replace(pid=4711)])) == []


def test_signals_of_the_grace_end_with_it() -> None:
    """Where signalling takes longer than the grace, those not told yet are killed without."""
    shell = simkernel.boot("dragonfly").spawn("/bin/sh")
    with pydfly.use(shell):
        reaper.acquire()
        child = shell.fork()
        child.block_signals(False)
        shell.kernel.clock = 5.0
        actuator = drive.actuator()
        actuator.signal(Orders("SIGTERM", actuator.members(), 4.0))
        assert child.alive
        actuator.signal(Orders("SIGTERM", actuator.members(), 6.0))
        assert not child.alive


def scanning(function: Callable[[Any], Any]) -> Any:
    """Call a function with the actuator of a process that is a reaper on Linux."""

    def own() -> Any:
        from pydfly.ending.own_domain_linux import Scan

        reaper.acquire()
        return function(Scan())

    return in_process(own)


@linux_only
def test_linux_sweep_kills_children_that_no_listing_has_shown() -> None:
    def act(actuator: Any) -> Any:
        known = actuator.members()
        pid = fork(pause)
        swept = [process.pid for process in actuator.sweep(known)]
        return swept == [pid], os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert scanning(act) == (True, -signal.SIGKILL)


@linux_only
def test_linux_sweep_follows_the_unknown_down() -> None:
    def act(actuator: Any) -> Any:
        known = actuator.members()
        reading, writing = os.pipe()

        def parent() -> None:
            os.write(writing, b"%d" % fork(pause))
            pause()

        pid = fork(parent)
        grandchild = int(os.read(reading, 20))
        swept = {process.pid for process in actuator.sweep(known)}
        for _ in range(2):
            os.wait()
        return swept == {pid, grandchild}

    assert scanning(act)


@linux_only
def test_linux_sweep_leaves_strangers_alone() -> None:
    stranger = 0

    def act(actuator: Any) -> Any:
        nonlocal stranger
        known = actuator.members()
        os.write(ask, b"!")
        os.read(told, 20)
        return actuator.sweep(known)

    asked, ask = os.pipe()
    told, tell = os.pipe()
    bystander = os.fork()
    if bystander == 0:
        os.read(asked, 1)
        stranger = fork(lambda: time.sleep(5))
        os.write(tell, b"%d" % stranger)
        os._exit(0 if os.waitpid(stranger, 0)[1] == 0 else 1)
    assert scanning(act) == []
    assert os.waitpid(bystander, 0)[1] == 0


@linux_only
def test_linux_never_hits_a_later_process_with_the_pid() -> None:
    def act(actuator: Any) -> Any:
        pid = fork(lambda: time.sleep(0.5))
        (member,) = actuator.members()
        refused = actuator.signal(orders([member._replace(start_time=member.start_time - 100)]))
        return refused, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert scanning(act) == ([], 0)


@linux_only
def test_linux_signals_no_group_of_a_child_that_its_owner_has_collected() -> None:
    """Its pid may be another process's by now, and name the group of one that is not to be ended."""

    def script() -> Any:
        from pydfly.ending.own_domain_linux import LivingChildren

        reading, writing = os.pipe()

        def leader() -> None:
            os.setsid()
            os.write(writing, b"%d" % os.getpid())
            pause()

        def parent() -> None:
            fork(leader)
            pause()

        reaper.acquire()
        child = fork(parent)
        grandchild = int(os.read(reading, 20))
        living = LivingChildren()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(living._processes, "children", lambda: [grandchild])
            killed = living.kill()
        end(child)
        lives = os.waitid(os.P_PID, grandchild, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        ended = living.kill(), os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        return killed, lives, ended, living.kill()

    assert in_process(script) == (False, True, (True, -signal.SIGKILL), False)


def test_modules_import_everywhere() -> None:
    """Each actuator can be imported on every system: what it lacks is told at use."""
    assert "pydfly.ending.own_domain_bsd" in sys.modules
