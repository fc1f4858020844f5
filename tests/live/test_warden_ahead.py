"""The warden that is forked ahead of its launch is used, ends with all others, and is not needed."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import pydfly
from pydfly.ending import warden_domain
from pydfly.supervisor import descriptors, start_guard, warden_ahead, wire
from pydfly.supervisor.keepers import mailbox, own_process
from pydfly.supervisor.keepers import warden_ahead as waiting
from tests.conftest import linux_only
from tests.live import onlooker
from tests.processes import eventually, fork

pytestmark = linux_only

SLEEP = ["sleep", "600"]
LAUNCHED, GIVEN_UP, LOST = 10, 11, 12


@pytest.fixture(autouse=True)
def idle(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it wait for as long as a test may be held up, or for the seconds that the test names."""
    seconds = getattr(request, "param", 60.0)
    main = "from pydfly.supervisor.keepers.guard_program import main"
    assert main in start_guard._PROGRAM
    patient = f"from pydfly.supervisor.keepers import warden_ahead; warden_ahead.IDLE = {seconds}; {main}"
    monkeypatch.setattr(start_guard, "_PROGRAM", start_guard._PROGRAM.replace(main, patient))


def deputy_of(command: int) -> int:
    """Return the pid of the deputy above a command."""
    return onlooker.look(onlooker.look(command).ppid).ppid


def spare_of(deputy: int) -> int:
    """Wait until a deputy has a warden without a domain, which sleeps, and return its pid."""

    def found() -> int:
        spares = [pid for pid in onlooker.children(deputy) if onlooker.look(pid).name == "pydfly-spare"]
        return spares[0] if spares and onlooker.look(spares[0]).state == "S" else 0

    return eventually(found)


@pytest.fixture
def supervisor() -> Iterator[pydfly.Supervisor]:
    """Make a Supervisor that has started two commands."""
    with pydfly.Supervisor(grace=0.0) as made:
        for _ in range(2):
            made.supervise(SLEEP).wait_started()
        yield made


def kept(supervisor: pydfly.Supervisor) -> tuple[int, int]:
    """Wait until a warden waits for a launch, and return the pids of the deputy and of it."""
    commands = [handle.wait_started() for handle in supervisor.wait_any(0) or supervisor._kept()]
    deputy = deputy_of(commands[0])
    return deputy, spare_of(deputy)


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


@pytest.mark.parametrize("idle", [5.0], indirect=True)
def test_it_does_not_stay(idle: None) -> None:
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
        assert onlooker.alive(supervisor.supervise(SLEEP).wait_started(timeout=200))
        assert spare_of(deputy) != spare
        assert all(handle.exit_status is None for handle in handles)
    assert not onlooker.alive(deputy)


@pytest.mark.parametrize("victim", ["guard", "deputy"])
def test_helpers_above_are_killed(victim: str) -> None:
    """It ends as every warden does, and no process is left."""
    supervisor = pydfly.Supervisor(grace=0.0)
    handles = [supervisor.supervise(SLEEP) for _ in range(2)]
    commands = [handle.wait_started() for handle in handles]
    deputy = deputy_of(commands[0])
    guard = onlooker.look(deputy).ppid
    spare = spare_of(deputy)
    os.kill(guard if victim == "guard" else deputy, signal.SIGKILL)
    eventually(lambda: not any(map(onlooker.alive, [*commands, spare, deputy])))
    supervisor.close()


def test_killed_while_the_launch_is_on_its_way(supervisor: pydfly.Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner took the byte, and the warden dies before it has read the launch: told as for every killed warden."""
    deputy, spare = kept(supervisor)
    claim = warden_ahead.Reserve.claim

    def kill_then(self: warden_ahead.Reserve, grace: float) -> warden_ahead.Reserved | None:
        reserved = claim(self, grace)
        os.kill(spare, signal.SIGKILL)
        eventually(lambda: not onlooker.exists(spare))
        return reserved

    monkeypatch.setattr(warden_ahead.Reserve, "claim", kill_then)
    handle = supervisor.supervise(SLEEP)
    with pytest.raises(pydfly.SupervisionError):
        handle.wait_started(timeout=200)
    monkeypatch.undo()
    handle = supervisor.supervise(SLEEP)
    assert onlooker.look(onlooker.look(handle.wait_started(timeout=200)).ppid).ppid == deputy


def test_its_death_is_told_before_there_is_a_handle(
    supervisor: pydfly.Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread hears of the death between the claim and the handle: the handle is told all the same."""
    _, spare = kept(supervisor)
    claim = warden_ahead.Reserve.claim

    def hear_then(self: warden_ahead.Reserve, grace: float) -> warden_ahead.Reserved | None:
        reserved = claim(self, grace)
        assert reserved
        os.kill(spare, signal.SIGKILL)
        eventually(lambda: supervisor.wait_any(0.01) or reserved.last_word)
        return reserved

    monkeypatch.setattr(warden_ahead.Reserve, "claim", hear_then)
    handle = supervisor.supervise(SLEEP)
    with pytest.raises(pydfly.SupervisionError):
        handle.wait_started(timeout=200)


def test_the_owner_dies_before_the_launch() -> None:
    """The owner has taken the byte, so the warden waits without limit: for a launch, or for the end of the line."""
    reading, writing = os.pipe()

    def owner() -> None:
        made = pydfly.Supervisor(grace=0.0)
        for _ in range(2):
            made.supervise(SLEEP).wait_started()
        deputy, spare = kept(made)
        assert made._guard.reserve.claim(0.0)
        os.write(writing, f"{deputy} {spare}".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(owner), 0)
    os.close(writing)
    deputy, spare = map(int, os.read(reading, 100).split())
    os.close(reading)
    eventually(lambda: not any(map(onlooker.alive, (deputy, spare))))


def test_a_claim_that_comes_to_nothing(supervisor: pydfly.Supervisor) -> None:
    """An exception in the owner between claim and launch: the warden ends, and the next start is as any."""
    deputy, spare = kept(supervisor)
    reserved = supervisor._guard.reserve.claim(0.0)
    assert reserved
    del reserved
    eventually(lambda: not onlooker.exists(spare))
    assert onlooker.look(onlooker.look(supervisor.supervise(SLEEP).wait_started(timeout=200)).ppid).ppid == deputy


def test_an_exception_right_behind_the_claim(supervisor: pydfly.Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The byte is taken, and no code has noted that: the warden is let go of, and the next ones are used."""
    deputy, spare = kept(supervisor)
    is_claimed = warden_ahead.Reserved.is_claimed

    def interrupted(self: warden_ahead.Reserved) -> bool:
        assert is_claimed(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(warden_ahead.Reserved, "is_claimed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        supervisor.supervise(SLEEP)
    monkeypatch.undo()
    eventually(lambda: not onlooker.exists(spare))
    supervisor.supervise(SLEEP).wait_started(timeout=200)
    following = spare_of(deputy)
    assert onlooker.look(supervisor.supervise(SLEEP).wait_started(timeout=200)).ppid == following


def test_a_forked_copy_of_the_owner_keeps_nothing_alive() -> None:
    """The copy lives on, while the original lets go of everything."""
    made = pydfly.Supervisor(grace=0.0)
    for _ in range(2):
        made.supervise(SLEEP).wait_started()
    deputy, spare = kept(made)
    (reserved,) = made._guard.reserve._kept.values()
    opened = {reserved.line.fileno(), *reserved._token.numbers}
    assert opened < set(onlooker.descriptors())
    reading, writing = os.pipe()
    answer, tell = os.pipe()

    def copy() -> None:
        os.close(writing)
        os.write(tell, repr(opened & set(onlooker.descriptors())).encode())
        os.read(reading, 1)

    pid = fork(copy)
    assert os.read(answer, 100) == b"set()"
    made.close()
    eventually(lambda: not any(map(onlooker.alive, (deputy, spare))))
    for number in (reading, writing, answer, tell):
        os.close(number)
    os.waitpid(pid, 0)


def test_no_descriptors_for_the_next(supervisor: pydfly.Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start succeeds where the order of the next warden fails: there is none, then."""
    kept(supervisor)

    def refuse(self: descriptors.Descriptors) -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(descriptors.Descriptors, "pipe", refuse)
    for _ in range(3):
        assert supervisor.supervise(SLEEP).wait_started(timeout=200)
        assert supervisor._guard.reserve._kept == {}


def test_no_descriptors_in_the_warden(supervisor: pydfly.Supervisor) -> None:
    """Where those of the command do not arrive nothing is started, and the reason is told."""
    _, spare = kept(supervisor)
    _, hard = resource.prlimit(spare, resource.RLIMIT_NOFILE)
    resource.prlimit(spare, resource.RLIMIT_NOFILE, (0, hard))
    handle = supervisor.supervise(SLEEP)
    with pytest.raises(OSError, match="too many are open") as refused:
        handle.wait_started(timeout=200)
    assert refused.value.errno == errno.EMFILE
    assert supervisor.supervise(SLEEP).wait_started(timeout=200)


def test_another_grace(supervisor: pydfly.Supervisor) -> None:
    """Guard and deputy know the grace of a warden that waits, so a domain with another one gets another warden."""
    _, spare = kept(supervisor)
    handle = supervisor.supervise(SLEEP, grace=1.0)
    assert onlooker.look(handle.wait_started(timeout=200)).ppid != spare
    eventually(lambda: not onlooker.exists(spare))
    handle.stop(0)


def test_as_much_as_there_can_be(supervisor: pydfly.Supervisor) -> None:
    """A launch that fits into no socket, with more descriptors than go with one message; and a request behind it."""
    _, spare = kept(supervisor)
    passed = [os.dup(0) for _ in range(300)]
    environment = {**os.environ, "LONG": 100_000 * "x", **{f"N{number}": 1000 * "y" for number in range(600)}}
    words = ["sh", "-c", "ls /proc/self/fd | wc -l; exec sleep 600"]
    handle = supervisor.supervise(words, env=environment, pass_fds=passed, stdout=-1)
    for number in passed:
        os.close(number)
    assert len(handle.processes()) >= 1
    assert onlooker.look(handle.wait_started(timeout=200)).ppid == spare
    assert handle.stdout
    with handle.stdout as output:
        assert int(output.readline()) >= len(passed)


def test_threads_that_start_at_once(supervisor: pydfly.Supervisor) -> None:
    """Only one of them gets the warden that waits."""
    deputy, _ = kept(supervisor)
    started: list[int] = []

    def start() -> None:
        for _ in range(4):
            handle = supervisor.supervise(SLEEP)
            started.append(onlooker.look(handle.wait_started(timeout=200)).ppid)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(started)) == len(started) == 16
    assert {onlooker.look(warden).ppid for warden in started} == {deputy}


def outcome(event: str, is_claimed: bool) -> int:
    """Let a process wait for a launch, and return the exit status that says what came of it."""
    mine, its = socket.socketpair()
    lifeline, hold = os.pipe()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid == 0:
        try:
            mine.close()
            os.close(hold)
            own = mailbox.Mailbox(), warden_domain.listing(), own_process.Lifeline(lifeline)
            waiting.IDLE = 0.0 if "idle" in event else 60.0
            if is_claimed:
                os.dup2(own[0].null, writing)  # the byte that it lays out is gone at once
            told = waiting.wait_for_launch(*own, [its.detach(), reading, writing])
            os._exit(LAUNCHED if told and len(told[2]) == 2 else GIVEN_UP)
        except EOFError:
            os._exit(LOST)
        finally:
            os._exit(1)
    its.close()
    if "launch" in event:
        if "idle" in event:
            eventually(lambda: onlooker.look(pid).name == "pydfly-spare" and onlooker.look(pid).state == "S")
        socket.send_fds(mine, [wire.pack(("launch", {}, [1]))], [0, 0])
    if "cut" in event:
        os.close(hold)
        os.kill(pid, signal.SIGCONT)
    elif "closed" in event:
        mine.close()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    mine.close()
    for number in (lifeline, reading, writing, *([] if "cut" in event else [hold])):
        os.close(number)
    return status


@pytest.mark.parametrize(
    ("event", "is_claimed", "expected"),
    [
        ("idle", False, GIVEN_UP),
        ("idle, then a launch", True, LAUNCHED),
        ("closed", False, GIVEN_UP),
        ("closed", True, LOST),
        ("cut", False, GIVEN_UP),
        ("cut", True, LOST),
        ("cut after a launch", True, LAUNCHED),
    ],
)
def test_the_one_with_the_byte_decides(event: str, is_claimed: bool, expected: int) -> None:
    """A launch that may come is waited for, one that cannot come is not, and one that has come counts."""
    assert outcome(event, is_claimed) == expected


def test_a_request_right_behind_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warden that was asleep when the launch came hears what comes while it starts the command."""

    def late(guard: Any, handle: Any, number: int, prepared: Any, reserved: object) -> None:
        """Launch when the warden sleeps."""
        guard.control.send(("domain", number, prepared.targets, 0.0), prepared.sources, prepared.inner)
        guard.send(guard.control)
        (deputy,) = eventually(lambda: onlooker.children(guard.helper.pid))
        (warden,) = eventually(lambda: onlooker.children(deputy))
        eventually(lambda: onlooker.look(warden).state == "S")
        handle.line.send(("launch", prepared.launch.fields()))
        guard.send(handle.line)

    monkeypatch.setattr("pydfly.supervisor.handle.send_launch", late)
    for _ in range(5):
        with pydfly.supervise(SLEEP, grace=0.0) as service:
            service.wait_started()
            service.ask_to_stop(0)
            assert service.wait(timeout=200) == -signal.SIGKILL
