"""The warden that a deputy forks ahead is used, ends with all others, and is missed by nobody."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest

import pydfly
from pydfly.ending import warden_domain
from pydfly.supervisor import passing, wire
from pydfly.supervisor.keepers import domain, mailbox
from pydfly.supervisor.keepers.spare import wait_for_domain
from tests.conftest import linux_only
from tests.live import onlooker
from tests.processes import eventually

pytestmark = linux_only

SLEEP = ["sleep", "600"]


def deputy_of(command: int) -> int:
    """Return the pid of the deputy above a command."""
    return onlooker.look(onlooker.look(command).ppid).ppid


def spare_of(deputy: int) -> int:
    """Wait until a deputy has a warden without a domain, which sleeps, and return its pid."""

    def found() -> int:
        spares = [pid for pid in onlooker.children(deputy) if onlooker.look(pid).name == "pydfly-spare"]
        return spares[0] if spares and onlooker.look(spares[0]).state == "S" else 0

    return eventually(found)


def test_the_next_domain_is_its_own() -> None:
    """From the second start on there is one, and the next command is its child, with all that it was given."""
    reading, writing = os.pipe()
    with pydfly.Supervisor(grace=0.0) as supervisor:
        first = supervisor.supervise(SLEEP)
        deputy = deputy_of(first.wait_started())
        supervisor.supervise(SLEEP).wait_started()
        spare = spare_of(deputy)
        code = f"import os, time; os.write({writing}, (os.getcwd() + os.environ['WHO']).encode()); time.sleep(600)"
        words = [sys.executable, "-I", "-S", "-c", code]
        third = supervisor.supervise(words, cwd="/", env={"WHO": "me", "PATH": os.environ["PATH"]}, pass_fds=[writing])
        assert onlooker.look(third.wait_started()).ppid == spare
        os.close(writing)
        assert os.read(reading, 100) == b"/me"
        os.close(reading)
        assert os.getsid(spare) == spare
        assert spare_of(deputy) != spare
    assert not onlooker.alive(deputy)


def test_one_domain_has_none() -> None:
    """A guard for one command does not pay for a second warden."""
    with pydfly.supervise(SLEEP, grace=0.0) as service:
        warden = onlooker.look(service.wait_started()).ppid
        eventually(lambda: onlooker.look(warden).name.startswith("warden"))
        assert onlooker.children(onlooker.look(warden).ppid) == [warden]


def test_what_was_handed_over_counts() -> None:
    """A deputy that is killed just after it has handed a domain over: the domain is not forgotten."""
    reading, writing = os.pipe()
    os.close(writing)  # the lifeline is cut already
    mine, its = socket.socketpair()
    message = ("domain", 7, [1], 0.0)
    socket.send_fds(mine, [wire.pack(message)], [0, 0, 0])
    mine.close()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            own = mailbox.Mailbox(), warden_domain.listing(), domain.Lifeline(reading)
            told = wait_for_domain(*own, passing.Passing(its.detach()))
            status = 0 if told and told[0] == message and len(told[1]) == 3 else 2
        finally:
            os._exit(status)
    os.close(reading)
    its.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_it_does_not_stay() -> None:
    """When no start follows it ends: a Supervisor at rest has a guard, a deputy and a warden for each domain."""
    with pydfly.Supervisor(grace=0.0) as supervisor:
        handles = [supervisor.supervise(SLEEP) for _ in range(3)]
        commands = [handle.wait_started() for handle in handles]
        deputy = deputy_of(commands[0])
        spare_of(deputy)
        wardens = {onlooker.look(command).ppid for command in commands}
        eventually(lambda: set(onlooker.children(deputy)) == wardens)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_killed_or_stopped(number: signal.Signals) -> None:
    """Without it the next start takes longer, and one that was stopped is continued."""
    with pydfly.Supervisor(grace=0.0) as supervisor:
        handles = [supervisor.supervise(SLEEP) for _ in range(2)]
        commands = [handle.wait_started() for handle in handles]
        deputy = deputy_of(commands[0])
        spare = spare_of(deputy)
        os.kill(spare, number)
        if number == signal.SIGKILL:
            eventually(lambda: not onlooker.exists(spare))
        assert onlooker.alive(supervisor.supervise(SLEEP).wait_started(timeout=20))
        assert spare_of(deputy) != spare
        assert all(handle.exit_status is None for handle in handles)
    assert not onlooker.alive(deputy)


@pytest.mark.parametrize("victim", ["guard", "deputy"])
def test_helpers_above_are_killed(victim: str) -> None:
    """It ends as every warden does, and nobody is left."""
    supervisor = pydfly.Supervisor(grace=0.0)
    handles = [supervisor.supervise(SLEEP) for _ in range(2)]
    commands = [handle.wait_started() for handle in handles]
    deputy = deputy_of(commands[0])
    guard = onlooker.look(deputy).ppid
    spare = spare_of(deputy)
    os.kill(guard if victim == "guard" else deputy, signal.SIGKILL)
    eventually(lambda: not any(map(onlooker.alive, [*commands, spare, deputy])))
    supervisor.close()
