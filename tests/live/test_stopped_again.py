"""Helpers that are stopped while they end something, and children that were there before ``pydfly run``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

import pydfly
from pydfly import aio
from tests.conftest import linux_only, live_only
from tests.live.onlooker import alive, look
from tests.processes import eventually

GRACE = 1.0
TOLD = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"told"))
os.write(1, b"here")
while True:
    signal.pause()
"""


def helpers(command: int) -> list[int]:
    """Return guard, deputy and warden."""
    warden = look(command).ppid
    deputy = look(warden).ppid
    return [look(deputy).ppid, deputy, warden]


def stop_all(pids: list[int]) -> None:
    """Stop the upper ones first: those continue the lower ones."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


@live_only
@pytest.mark.parametrize("many", [False, True])
def test_stop_comes_back_though_the_helpers_are_stopped_meanwhile(many: bool) -> None:
    """Once more after stop() has continued them."""
    supervisor = pydfly.Supervisor() if many else None
    supervise = supervisor.supervise if supervisor else pydfly.supervise
    service = supervise([sys.executable, "-c", TOLD], stdout=subprocess.PIPE, grace=GRACE)
    assert service.stdout
    assert service.stdout.read(4) == b"here"
    pids = helpers(service.wait_started())
    ending = threading.Thread(target=supervisor.stop if supervisor else service.stop, daemon=True)
    ending.start()
    assert service.stdout.read(4) == b"told"
    stop_all(pids)
    ending.join(60)
    assert not ending.is_alive()
    service.stdout.close()


@live_only
def test_a_task_that_stops_comes_back_though_the_helpers_are_stopped_meanwhile() -> None:
    async def main() -> None:
        async with aio.supervise([sys.executable, "-c", TOLD], stdout=subprocess.PIPE, grace=GRACE) as service:
            pids = helpers(await service.wait_started())
            assert service.stdout
            assert await service.stdout.readexactly(4) == b"here"
            ending = asyncio.ensure_future(service.stop())
            assert await service.stdout.readexactly(4) == b"told"
            stop_all(pids)
            await asyncio.wait_for(ending, 60)

    asyncio.run(main())


@live_only
def test_a_signal_handlers_own_timeout_is_not_swallowed() -> None:
    def late(number: int, frame: object) -> None:
        raise TimeoutError("of the caller's")

    before = signal.signal(signal.SIGALRM, late)
    try:
        with pydfly.supervise([sys.executable, "-c", TOLD], stdout=subprocess.PIPE, grace=GRACE) as service:
            assert service.stdout
            assert service.stdout.read(4) == b"here"
            signal.setitimer(signal.ITIMER_REAL, GRACE / 10)
            with pytest.raises(TimeoutError, match="of the caller's"):
                service.stop()
    finally:
        signal.signal(signal.SIGALRM, before)


@live_only
def test_a_scripts_own_background_job_outlives_the_run_that_the_script_becomes() -> None:
    """``exec pydfly run``: what the shell has started before is no descendant of the command."""
    script = 'sleep 300 >/dev/null 2>&1 & echo $!; exec "$@"'
    run = [
        sys.executable,
        "-m",
        "pydfly",
        "run",
        "--grace",
        "0.2",
        "--",
        "sh",
        "-c",
        "setsid sleep 300 & echo $!; exit 3",
    ]
    done = subprocess.run(["sh", "-c", script, "sh", *run], stdout=subprocess.PIPE, text=True, timeout=200)
    job, daemon = map(int, done.stdout.split())
    try:
        assert done.returncode == 3
        assert look(job).name == "sleep"
        assert eventually(lambda: not alive(daemon))
    finally:
        os.kill(job, signal.SIGKILL)


CALLER = """
import sys, pydfly
service = pydfly.supervise(["sh", "-c", "trap '' TERM; setsid sleep 300 & echo $! >&2; wait"], grace=0.2)
print(service.wait_started(), flush=True)
sys.stdin.readline()
try:
    service.stop()
except pydfly.SupervisionError:
    print("over", flush=True)
"""
KILL, STOP = signal.SIGKILL, signal.SIGSTOP
GUARD, DEPUTY, WARDEN = range(3)
# which helper gets which signal, one after the other; there is always one left that can act: the owner is the last
WITH_OWNER = [
    [(GUARD, KILL), (DEPUTY, STOP)],
    [(GUARD, KILL), (DEPUTY, STOP), (WARDEN, STOP)],
    [(GUARD, KILL), (DEPUTY, STOP), (WARDEN, KILL)],
    [(GUARD, KILL), (DEPUTY, KILL), (WARDEN, STOP)],
    [(DEPUTY, KILL), (GUARD, KILL), (WARDEN, STOP)],
    [(GUARD, STOP), (DEPUTY, KILL), (WARDEN, STOP)],
]
WITHOUT_OWNER = [
    [(GUARD, STOP)],
    [(GUARD, STOP), (DEPUTY, STOP)],
    [(GUARD, KILL), (DEPUTY, STOP)],
    [(GUARD, STOP), (DEPUTY, KILL)],
    [(GUARD, STOP), (WARDEN, STOP)],
    [(GUARD, STOP), (WARDEN, KILL)],
]


@linux_only
@pytest.mark.parametrize("owner_dies", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_what_is_stopped_when_those_above_it_are_dead_is_continued(number: int, owner_dies: bool) -> None:
    """No helper is left either: a stopped one would be there for good."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CALLER], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as owner:
        assert owner.stdin
        assert owner.stdout
        assert owner.stderr
        command, daemon = int(owner.stdout.readline()), int(owner.stderr.readline())
        pids = helpers(command)
        try:
            if owner_dies:
                owner.kill()
                owner.wait()
            for helper, sent in (WITHOUT_OWNER if owner_dies else WITH_OWNER)[number]:
                try:
                    os.kill(pids[helper], sent)
                except ProcessLookupError:  # it was as fast as that
                    continue
                assert sent == STOP or eventually(lambda pid=pids[helper]: not alive(pid))
            if not owner_dies:
                said, _ = owner.communicate("\n", timeout=200)
                assert said in ("", "over\n")
                assert not alive(daemon)
            assert eventually(lambda: not any(map(alive, [command, daemon, *pids])))
        finally:
            owner.kill()
            for pid in filter(alive, [*pids, command, daemon]):
                os.kill(pid, KILL)


@linux_only
@pytest.mark.parametrize(
    "sent",
    [
        [(GUARD, KILL)],
        [(GUARD, KILL), (DEPUTY, KILL)],
        [(GUARD, KILL), (DEPUTY, KILL), (WARDEN, STOP)],
        [(GUARD, KILL), (DEPUTY, STOP), (WARDEN, KILL)],
    ],
)
def test_a_service_without_its_guard_is_over_when_its_processes_are(sent: list[tuple[int, int]]) -> None:
    """The death of the guard is told only when "everything of it was ended" is true."""
    with pydfly.Supervisor(grace=GRACE) as supervisor:
        service = supervisor.service("deaf", ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
        service.start()
        command = service.wait_ready(60).pid
        assert command
        pids = helpers(command)
        for helper, number in sent:
            with contextlib.suppress(ProcessLookupError):  # it was as fast as that
                os.kill(pids[helper], number)
            assert number == STOP or eventually(lambda pid=pids[helper]: not alive(pid))
        with pytest.raises(pydfly.SupervisionError):
            service.stop()
        assert not alive(command)
    assert eventually(lambda: not any(map(alive, pids)))
