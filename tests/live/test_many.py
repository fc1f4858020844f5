"""Many domains under one guard: each has its own end, and the end of the whole, however it comes, spares none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

import pydfly
import pydfly.aio
from tests.conftest import linux_only, live_only
from tests.live import onlooker
from tests.live.arena import ESCAPEES, ROOT, VARIABLE, describe, left_after, survivors
from tests.live.escapees import KINDS
from tests.processes import eventually, in_process

pytestmark = live_only

DOMAINS = 40
KILLED = 5
GRACE = 0.3
DAEMON = ["sh", "-c", "setsid sleep 60 & exec sleep 60"]
# what forks without end is bounded by itself: tests/live/escapees.py
NOISY = [sys.executable, "-I", "-S", ESCAPEES, "bomb", "1"]
BOX = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

CALLER = """
import sys, pydfly
with pydfly.Supervisor(grace=0.3) as supervisor:
    handles = [supervisor.supervise(["sh", "-c", "setsid sleep 60 & exec sleep 60"]) for _ in range(10)]
    print(*[handle.wait_started() for handle in handles], flush=True)
    sys.stdin.readline()
"""

# every kind of escapee in one Supervisor, each in a domain of its own
ALL_KINDS = """
import os, sys, pydfly
escapees, kinds = sys.argv[1], sys.argv[2:]
with pydfly.Supervisor(grace=0.3) as supervisor:
    handles = []
    for kind in kinds:
        reading, writing = os.pipe()
        program = [sys.executable, "-I", "-S", escapees, kind, str(writing)]
        # in a process group of its own: one of them kills the whole of it
        handles.append((supervisor.supervise(program, pass_fds=[writing], process_group=0), reading))
        os.close(writing)
    for handle, reading in handles:
        os.read(reading, 16)
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark whatever the test starts; nothing of it may outlive the test."""
    name = uuid.uuid4().hex
    monkeypatch.setenv(VARIABLE, name)
    yield name
    for pid in survivors(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def nobody_left(marker: str) -> bool:
    """Say whether everything with the marker is gone, or will be soon."""
    return bool(eventually(lambda: not survivors(marker)))


def parent(pid: int) -> int:
    return onlooker.look(pid).ppid


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.getuid() != 0, reason="needs a pid namespace: root")
def test_killed_wardens_end_their_own_domains_only() -> None:
    """Forty domains, one of which forks without end; five random wardens are killed."""
    subprocess.run([*BOX, sys.executable, "-m", __name__], cwd=ROOT, check=True, timeout=300)


def kill_wardens() -> None:
    """Do that: in a pid namespace, as one of the domains is noisy."""
    marker = os.environ[VARIABLE] = uuid.uuid4().hex
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        handles = [supervisor.supervise(DAEMON) for _ in range(DOMAINS)]
        noisy = supervisor.supervise(NOISY, stdout=subprocess.DEVNULL)
        wardens = {parent(handle.wait_started()): handle for handle in handles}
        noisy.wait_started()
        assert len(wardens) == DOMAINS
        for handle in handles:
            eventually(lambda handle=handle: [process.name for process in handle.processes()] == ["sleep", "sleep"])
        members = {handle: [process.pid for process in handle.processes()] for handle in handles}
        victims = random.Random(19).sample(sorted(wardens), KILLED)
        for warden in victims:
            os.kill(warden, signal.SIGKILL)
        killed = [wardens[warden] for warden in victims]
        for handle in killed:
            with pytest.raises(pydfly.SupervisionError):
                handle.wait(60)
            assert not any(map(onlooker.alive, members[handle]))
        for handle in [handle for handle in handles if handle not in killed]:
            assert handle.exit_status is None
            assert all(map(onlooker.alive, members[handle]))
        began = time.monotonic()
        handles[-1].stop(0)  # a noisy neighbour makes no other domain wait
        assert time.monotonic() - began < 60
        supervisor.stop()
    assert nobody_left(marker)


@pytest.mark.parametrize("who", ["caller", "guard", "deputy"])
def test_the_death_of_one_above_ends_all(marker: str, who: str) -> None:
    words = [sys.executable, "-c", CALLER]
    environment = os.environ | {"PYTHONPATH": ROOT}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as caller:
        assert caller.stdout
        commands = [int(word) for word in caller.stdout.readline().split()]
        assert len(commands) == 10
        deputy = parent(parent(commands[0]))
        victim = {"caller": caller.pid, "guard": parent(deputy), "deputy": deputy}[who]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not any(map(onlooker.alive, commands)))
        eventually(lambda: survivors(marker) in ([], [caller.pid]))
        caller.kill()
    assert nobody_left(marker)


def test_a_domain_that_has_ended_has_no_part_in_what_comes_after(marker: str) -> None:
    """When the deputy dies, the guard ends what a killed warden has left: within the grace of that one's domain."""
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        supervisor.supervise(["true"], grace=1000).wait(30)
        deaf = supervisor.supervise(["sh", "-c", "trap '' TERM; echo; sleep 60 & sleep 60"], stdout=subprocess.PIPE)
        assert deaf.stdout
        with deaf.stdout:
            deaf.stdout.readline()
        warden = parent(deaf.wait_started())
        deputy = parent(warden)
        guard = parent(deputy)
        os.kill(guard, signal.SIGSTOP)
        os.kill(deputy, signal.SIGSTOP)
        for killed in (warden, deputy):
            os.kill(killed, signal.SIGKILL)
        os.kill(guard, signal.SIGCONT)
        with pytest.raises(pydfly.SupervisionError):
            deaf.wait(60)
    assert nobody_left(marker)


def test_a_spared_process_does_not_save_the_orphans_of_a_killed_warden(marker: str) -> None:
    """Both are left to the deputy at the same time, and only the one is to live on."""
    with pydfly.Supervisor(grace=1.0) as supervisor:
        deaf = supervisor.supervise(["sh", "-c", "trap '' TERM; echo; sleep 60 & sleep 60"], stdout=subprocess.PIPE)
        daemon = ["sh", "-c", "setsid sleep 61 & echo $!; exec sleep 60"]
        other = supervisor.supervise(daemon, stdout=subprocess.PIPE, spare=lambda member: member.pid == spared)
        assert deaf.stdout
        assert other.stdout
        with deaf.stdout, other.stdout:
            deaf.stdout.readline()
            spared = int(other.stdout.readline())
        try:
            command = deaf.wait_started()
            os.kill(parent(command), signal.SIGKILL)
            other.stop(0)
            with pytest.raises(pydfly.SupervisionError):
                deaf.wait(30)
            assert not onlooker.alive(command)
            supervisor.stop()
            assert onlooker.alive(spared)
        finally:
            os.kill(spared, signal.SIGKILL)
    assert nobody_left(marker)


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.getuid() != 0, reason="needs a pid namespace: root")
@pytest.mark.parametrize("ending", ["stop()", "SIGKILL of the caller"])
def test_all_escapees_at_once(marker: str, ending: str) -> None:
    """Those that kill, stop and imitate each other's helpers, and those that fork without end, side by side."""
    words = [*BOX, sys.executable, "-m", __name__, ending]
    subprocess.run(words, cwd=ROOT, check=True, timeout=300)


def all_at_once(ending: str) -> None:
    """Do that: in a pid namespace."""
    marker = os.environ[VARIABLE] = uuid.uuid4().hex
    words = [sys.executable, "-c", ALL_KINDS, ESCAPEES, *KINDS]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
        assert caller.stdout
        assert caller.stdin
        assert caller.stdout.readline() == b"ready\n"
        if ending == "stop()":
            caller.stdin.write(b"\n")
            caller.stdin.flush()
            caller.wait(80)
        else:
            caller.kill()
        left = left_after(60, marker)
        assert left == [], [describe(pid) for pid in left]


def test_news_of_each(marker: str) -> None:
    """wait_any() tells every start and every end, and fileno() is readable when there is something to tell."""
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        assert supervisor.wait_any(0) == []
        poll = select.poll()
        poll.register(supervisor.fileno(), select.POLLIN)
        handles = [supervisor.supervise(["sh", "-c", f"exit {number}"]) for number in range(8)]
        wrong = supervisor.supervise(["no-such-program"])
        ended: list[pydfly.Supervised] = []
        while len(ended) < 9:
            assert poll.poll(200_000)
            ended += [handle for handle in supervisor.wait_any(0) if handle.is_over()]
        assert {*ended} == {*handles, wrong}
        assert [handle.exit_status for handle in handles] == list(range(8))
        assert [handle.report.exit_status for handle in handles] == list(range(8))
        with pytest.raises(FileNotFoundError):
            wrong.wait()
        assert supervisor.wait_any(None) == [], "no domain is left that could have news"
    assert nobody_left(marker)


def test_survivors_are_named_by_whatever_ends_first_with_an_exception(marker: str) -> None:
    """wait_any() shows the handle only, so the end of the whole names them; once is enough."""
    left = {"pid": 2**22, "name": "left", "state": "sleeping", "why": "it refuses"}
    with pytest.raises(pydfly.SurvivorsError) as told, pydfly.Supervisor(grace=GRACE) as supervisor:
        handles = [supervisor.supervise(["sleep", "60"]) for _ in range(2)]
        for handle in handles:
            handle.wait_started()
            handle.take(("lost", 0, [left]))
        assert {*supervisor.wait_any(20)} == {*handles}
        assert supervisor.wait_any() == [], "no domain is left that could have news"
        with pytest.raises(pydfly.SurvivorsError):
            handles[0].wait()
    assert [survivor.name for survivor in told.value.survivors] == ["left"]
    assert nobody_left(marker)


@pytest.mark.parametrize("act", ["stop", "close", "del"])
def test_an_end_by_the_owner_is_not_told_as_that_of_the_helpers(marker: str, act: str) -> None:
    supervisor = pydfly.Supervisor(grace=GRACE)
    handles = [supervisor.supervise(["sleep", "60"])]
    handles[0].wait_started()
    if act == "del":
        del supervisor
    else:
        getattr(supervisor, act)()
        handles.append(supervisor.supervise(["true"]))
    for handle in handles[act == "stop" :]:
        with pytest.raises(pydfly.SupervisionError, match="its Supervisor was stopped, closed or dropped"):
            handle.wait(60)
    assert nobody_left(marker)


@pytest.mark.parametrize("act", ["supervise", "service", "wait_any", "fileno", "stop"])
def test_a_forked_copy_of_the_owner_has_no_supervisor(act: str) -> None:
    """It is told so at once, whatever it asks for; what the owner has runs on."""

    def copy() -> str:
        with pytest.raises(RuntimeError, match="forked copy") as told, supervisor:
            arguments = {"supervise": (["true"],), "service": ("name", ["true"]), "wait_any": (5,)}.get(act, ())
            getattr(supervisor, act)(*arguments)
        return str(told.value)

    with pydfly.Supervisor(grace=GRACE) as supervisor:
        handle = supervisor.supervise(["sleep", "60"])
        pid = handle.wait_started()
        assert "forked copy" in in_process(copy)
        assert [process.pid for process in handle.processes()] == [pid]


def test_more_starts_at_once_than_are_read_in_one_go(marker: str) -> None:
    """What is left unread by guard or deputy gives no second signal: they have to go on by themselves."""
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        handles = [supervisor.supervise(["true"]) for _ in range(350)]
        assert {handle.wait(60) for handle in handles} == {0}
    assert nobody_left(marker)


def test_domains_are_apart(marker: str) -> None:
    """A signal to one of them, its list and its end do not touch the others."""
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        first, second = supervisor.supervise(DAEMON), supervisor.supervise(["sleep", "60"], env={"PATH": os.defpath})
        first.wait_started()
        eventually(lambda: len(first.processes()) == 2)
        assert [process.pid for process in second.processes()] == [second.pid]
        first.stop()
        assert second.exit_status is None
        second.signal(signal.SIGTERM)
        assert second.wait(30) == -signal.SIGTERM
        with pytest.raises(TypeError):
            supervisor.supervise("sleep 60")  # type: ignore[arg-type]
        assert supervisor.supervise(["true"]).wait(30) == 0, "a refused argument changes nothing"
    assert nobody_left(marker)


@linux_only
def test_a_tree_shows_whose_warden_it_is(marker: str) -> None:
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        handles = [supervisor.supervise(words) for words in (["sleep", "60"], ["sh", "-c", "setsid sleep 60 &"])]
        handles[1].wait_command(30)
        handles[0].wait_started()

        def shown() -> str:
            words = [sys.executable, "-m", "pydfly", "tree", str(os.getpid())]
            return subprocess.run(words, capture_output=True, text=True, check=True).stdout

        tree = eventually(lambda: "warden:sh " in (now := shown()) and "warden:sleep " in now and now)
        assert tree.index("pydfly-guard") < tree.index("pydfly-deputy") < tree.index("warden:")


def test_many_at_once_in_asyncio(marker: str) -> None:
    async def main() -> list[int | None]:
        async with pydfly.aio.Supervisor(grace=GRACE) as supervisor:
            handles = [supervisor.supervise(["sh", "-c", f"exit {number}"]) for number in range(8)]
            deaf = supervisor.supervise(["sh", "-c", "trap '' TERM; sleep 60 & sleep 60"])
            await deaf.wait_started()
            ended: set[pydfly.aio.Supervised] = set()
            while len(ended) < 8:
                ended |= {handle for handle in await supervisor.wait_any(30) if handle.is_over()}
            assert ended == {*handles}
            await supervisor.stop()
            assert deaf.is_over()
            return [handle.exit_status for handle in handles]

    assert asyncio.run(main()) == list(range(8))
    assert nobody_left(marker)


if __name__ == "__main__":
    if sys.argv[1:]:
        all_at_once(sys.argv[1])
    else:
        kill_wardens()


@pytest.mark.parametrize("interpreter", [shutil.which("true"), None], ids=["no guard", "killed guard"])
def test_a_start_without_a_guard_is_told_and_hangs_nowhere(interpreter: str | None) -> None:
    """Neither the start, which comes when that is known already, nor stop()."""
    with pydfly.Supervisor(grace=0.2, interpreter=interpreter) as supervisor:
        first = supervisor.supervise(["sleep", "60"])
        if interpreter is None:
            deputy = onlooker.look(onlooker.look(first.wait_started(20)).ppid).ppid
            guard = onlooker.look(deputy).ppid
            os.kill(guard, signal.SIGSTOP)
            os.kill(deputy, signal.SIGKILL)
            os.kill(guard, signal.SIGKILL)
        with pytest.raises(pydfly.SupervisionError) if interpreter else contextlib.nullcontext():
            first.wait(60)
        eventually(lambda: supervisor.wait_any(0) == [] and supervisor._guard.is_cut())
        second = supervisor.supervise(["true"])
        with pytest.raises(pydfly.SupervisionError):
            second.wait(60)
