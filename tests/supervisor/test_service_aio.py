"""``pydfly.aio.Supervisor.service()``: the same names as with threads, awaitable."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

import pydfly
import pydfly.aio
from tests.conftest import live_only
from tests.processes import in_process

from .test_service import SLEEP, parent, running

pytestmark = live_only


async def until_log(service: pydfly.aio.Service, expected: bytes) -> None:
    """Wait until a service has written what it writes."""
    end = time.monotonic() + 200
    while (log := await service.log()) != expected:
        assert time.monotonic() < end, log
        await asyncio.sleep(0.01)


def test_from_start_to_stop(tmp_path: Path) -> None:
    async def main() -> None:
        async with pydfly.aio.Supervisor(grace=2.0) as supervisor:
            code = "echo hello; exec sleep 1000"
            web = supervisor.service("web", ["sh", "-c", code], delay=0.05, log=tmp_path / "log")
            assert (await web.status()).state == "stopped"
            with pytest.raises(RuntimeError, match="it was not started"):
                await web.wait_ready()
            await web.start()
            first = await web.wait_ready(20)
            assert first.pid
            await until_log(web, b"hello\n")
            os.kill(first.pid, signal.SIGKILL)
            while (second := await web.status()).restarts == 0 or second.state != "running":
                await asyncio.sleep(0.01)
            assert second.last_exit == -signal.SIGKILL
            await until_log(web, b"hello\n" * 2)
            await web.restart(grace=1)
            third = await web.status()
            assert (third.launches, third.restarts) == (3, 0)
            await until_log(web, b"hello\n" * 3)
            with pytest.raises(FileNotFoundError):
                await web.reopen_log(tmp_path / "none" / "log")
            await web.stop()
            last = await web.status()
            assert (last.state, last.reason) == ("stopped", "stopped by hand")
            assert not running(third.pid)

    asyncio.run(main())
    assert (tmp_path / "log").read_bytes() == b"hello\n" * 3


def test_many_at_once_and_the_loop_goes_on() -> None:
    async def main() -> list[int | None]:
        async with pydfly.aio.Supervisor(grace=1.0) as supervisor:
            services = [supervisor.service(f"s{number}", SLEEP, restart="always") for number in range(10)]
            await asyncio.gather(*(service.start() for service in services))
            found = await asyncio.gather(*(service.wait_ready(60) for service in services))
            await asyncio.gather(*(service.restart() for service in services[:5]))
            domain = supervisor.supervise(["sh", "-c", "exit 3"])
            assert await domain.wait() == 3
        return [status.pid for status in found]

    assert not any(map(running, asyncio.run(main())))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"restart": "maybe"}, ValueError), ({"stdout": 1}, TypeError), ({"limit": 5}, TypeError), ({"x": 1}, TypeError)],
)
def test_invalid_arguments(arguments: dict[str, object], error: type[Exception]) -> None:
    async def main() -> None:
        async with pydfly.aio.Supervisor() as supervisor:
            with pytest.raises(error):
                supervisor.service("x", SLEEP, **arguments)  # type: ignore[arg-type]

    asyncio.run(main())


def test_what_cannot_be_started(tmp_path: Path) -> None:
    """The log file is told by the first method, a program by the first that waits for it."""

    async def main() -> None:
        async with pydfly.aio.Supervisor() as supervisor:
            refused = supervisor.service("x", SLEEP, log=tmp_path / "none" / "log")
            for _ in range(2):
                with pytest.raises(FileNotFoundError):
                    await refused.start()
            with pytest.raises(FileNotFoundError):
                await supervisor.service("y", SLEEP, log=tmp_path / "none" / "log").wait_ready()
            supervisor.service("told to none", SLEEP, log=tmp_path / "none" / "log")
            missing = supervisor.service("z", ["/none"])
            await missing.start()
            with pytest.raises(RuntimeError, match="/none: No such file or directory"):
                await missing.wait_ready(20)
            with pytest.raises(RuntimeError, match="/none: No such file or directory"):
                await missing.restart()

    asyncio.run(main())


def test_giving_up_waiting_and_a_killed_guard() -> None:
    async def main() -> None:
        supervisor = pydfly.aio.Supervisor(grace=1.0)
        service = supervisor.service("x", SLEEP)
        slow = supervisor.service("y", SLEEP, ready=3)
        await slow.start()
        with pytest.raises(TimeoutError, match="service 'y' ready not within"):
            await slow.wait_ready(0.05)
        await service.start()
        pid = (await service.wait_ready(20)).pid
        assert pid
        os.kill(parent(parent(parent(pid))), signal.SIGKILL)
        with pytest.raises(pydfly.SupervisionError, match="its guard was killed"):
            while True:
                await service.status()
        for method in (service.wait_ready, service.stop, service.log):
            with pytest.raises(pydfly.SupervisionError):
                await method()
        await supervisor.stop()
        assert not running(pid)

    asyncio.run(main())


def test_a_forked_copy_owns_nothing() -> None:
    async def main() -> str:
        async with pydfly.aio.Supervisor(grace=1.0) as supervisor:
            service = supervisor.service("x", SLEEP)
            await service.start()
            pid = (await service.wait_ready(20)).pid

            def copy() -> str:
                try:
                    service.stop().send(None)
                except RuntimeError as error:
                    return str(error)
                return ""

            told = str(in_process(copy))
            assert running(pid)
            return told

    assert "forked copy" in asyncio.run(main())
