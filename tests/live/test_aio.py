"""``pydfly.aio.supervise()``: the same names, awaitable."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time

import pytest

import pydfly
import pydfly.aio
from tests.conftest import live_only
from tests.live import onlooker
from tests.processes import eventually

pytestmark = live_only
DAEMON = ["sh", "-c", "setsid sleep 60 & exit 3"]


async def until_daemon(service: pydfly.aio.Supervised) -> pydfly.DescendantInfo:
    """Wait until the command has ended and the daemon is what it will be."""
    while service.exit_status is None or [process.name for process in await service.processes()] != ["sleep"]:
        await asyncio.sleep(0.005)
    return (await service.processes())[0]


def test_a_daemon_is_shown_and_ended() -> None:
    async def main() -> pydfly.aio.Supervised:
        async with pydfly.aio.supervise(DAEMON, grace=2.0) as service:
            await service.wait_started()
            await until_daemon(service)
            assert {step.signal for step in await service.plan()} == {"SIGTERM", "SIGCONT", "SIGKILL"}
            await service.signal(signal.SIGUSR1)
            assert await service.wait() == 3
        return service

    report = asyncio.run(main()).report
    assert [(record.name, record.status, record.signal) for record in report.processes] == [
        ("sh", 3, None),
        ("sleep", None, signal.SIGUSR1),
    ]


def test_no_such_program() -> None:
    async def main() -> None:
        async with pydfly.aio.supervise(["no-such-program"]) as service:
            await service.wait_started()

    with pytest.raises(FileNotFoundError):
        asyncio.run(main())


def test_handles_are_awaitable() -> None:
    """As what ``asyncio.create_subprocess_exec()`` gives: the command was executed, or the error is raised."""

    async def main() -> None:
        service = await pydfly.aio.supervise(["sh", "-c", "exit 3"])
        assert service.pid == await service.wait_started()
        assert await service.wait() == 3
        async with await pydfly.aio.supervise(["sleep", "1000"], grace=1.0) as second:
            assert second.pid
        with pytest.raises(FileNotFoundError):
            await pydfly.aio.supervise(["no-such-program"])
        async with pydfly.aio.Supervisor(grace=1.0) as supervisor:
            worker = await supervisor.supervise(["sleep", "1000"])
            web = await supervisor.service("web", ["sleep", "1000"])
            await web.start()
            assert worker.pid
            assert (await web.wait_ready(20)).pid

    asyncio.run(main())


def test_the_loop_goes_on_meanwhile_and_many_are_supervised_at_once() -> None:
    async def one(number: int) -> int | None:
        async with pydfly.aio.supervise(["sh", "-c", f"sleep 0.2; exit {number}"]) as service:
            return await service.wait()

    async def main() -> list[int | None]:
        return await asyncio.gather(*map(one, range(10)))

    assert asyncio.run(main()) == list(range(10))


def test_cancellation_ends_the_domain() -> None:
    pids: list[int] = []

    async def work() -> None:
        async with pydfly.aio.supervise(["sleep", "60"]) as service:
            pids.append(await service.wait_started())
            await service.wait()

    async def main() -> None:
        task = asyncio.ensure_future(work())
        while not pids:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not onlooker.exists(pids[0])


def test_a_second_cancellation_gives_up_waiting_but_not_the_ending() -> None:
    pids: list[int] = []
    code = "trap '' TERM; echo ready; while :; do sleep 1; done"

    async def work() -> None:
        async with pydfly.aio.supervise(["sh", "-c", code], grace=0.5, stdout=subprocess.DEVNULL) as service:
            pids.append(await service.wait_started())
            await service.wait()

    async def main() -> None:
        task = asyncio.ensure_future(work())
        while not pids:
            await asyncio.sleep(0.01)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    eventually(lambda: not onlooker.exists(pids[0]))


def test_spare() -> None:
    async def main() -> pydfly.aio.Supervised:
        async with pydfly.aio.supervise(DAEMON, spare=lambda process: process.name == "sleep") as service:
            await until_daemon(service)
        return service

    (spared,) = asyncio.run(main()).report.spared
    os.kill(spared.pid, signal.SIGKILL)


def test_without_a_loop() -> None:
    with pytest.raises(RuntimeError):
        pydfly.aio.supervise(["true"])


def test_a_killed_warden() -> None:
    async def main() -> None:
        async with pydfly.aio.supervise(["sleep", "60"], grace=5.0) as service:
            await service.wait_started()
            (left,) = await service.processes()
            os.kill(left.ppid, signal.SIGKILL)
            with pytest.raises(pydfly.SupervisionError, match="the warden was killed"):
                await service.wait()
            assert not onlooker.exists(left.pid)

    asyncio.run(main())


def test_the_warden_is_heard_though_guard_and_deputy_were_killed() -> None:
    """It says how the domain has ended long after the loop has read that the others are gone."""

    async def main() -> int | None:
        command = ["sh", "-c", "trap '' TERM; echo deaf; sleep 60"]
        service = pydfly.aio.supervise(command, grace=0.5, stdout=subprocess.PIPE)
        assert service.stdout
        await service.stdout.readline()
        warden = onlooker.look(await service.wait_started()).ppid
        deputy = onlooker.look(warden).ppid
        guard = onlooker.look(deputy).ppid
        os.kill(guard, signal.SIGSTOP)
        os.kill(deputy, signal.SIGKILL)
        os.kill(guard, signal.SIGKILL)
        return await service.wait(60)

    assert asyncio.run(main()) == -signal.SIGKILL


def test_an_interpreter_that_is_none() -> None:
    """Whichever of its sockets is heard to be closed first."""

    async def main() -> None:
        for _ in range(20):
            service = pydfly.aio.supervise(["true"], interpreter=shutil.which("true"))
            with pytest.raises(pydfly.SupervisionError, match="interpreter="):
                await service.wait_command(20)
            await service.stop()

    asyncio.run(main())


def test_a_wait_of_no_time_is_a_look() -> None:
    """It tells what is over, and leaves the other tasks their turn where nothing is."""

    async def main() -> None:
        async with pydfly.aio.Supervisor(grace=1.0) as supervisor:
            ends = supervisor.supervise(["cat"], stdin=subprocess.PIPE)
            await ends.wait_started(20)
            turns = asyncio.create_task(asyncio.sleep(0))
            with pytest.raises(TimeoutError, match="the end of"):
                await ends.wait_command(0)
            assert turns.done()
            with pytest.raises(TimeoutError):
                await ends.wait(-1)
            assert not ends.is_over()
            assert ends.stdin
            ends.stdin.close()
            assert await ends.wait_command(20) == 0
            assert await ends.wait_command(0) == 0
            assert await ends.wait(20) == 0
            assert await ends.wait(0) == 0
            assert await supervisor.wait_any(0) == []
            other = supervisor.supervise(["true"])
            while not other.is_over():
                assert await supervisor.wait_any(0) in ([], [other])

    asyncio.run(main())


def test_an_answer_that_came_while_the_loop_was_held_up_is_no_timeout() -> None:
    async def main() -> None:
        async with pydfly.aio.supervise(["cat"], stdin=subprocess.PIPE, grace=1.0) as service:
            pid = await service.wait_started(20)
            wait = asyncio.create_task(service.wait_command(0.1))
            await asyncio.sleep(0)
            late = time.monotonic() + 0.2
            assert service.stdin
            service.stdin.close()
            await asyncio.sleep(0)
            eventually(lambda: not onlooker.exists(pid) and time.monotonic() > late)  # no turn of the loop meanwhile
            assert await wait == 0

    asyncio.run(main())
