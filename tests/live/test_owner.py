"""The caller's side next to everything else in its process: threads, signal handlers, forks, exceptions anywhere."""

from __future__ import annotations

import asyncio
import copy
import faulthandler
import gc
import json
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import pydfly
import pydfly.aio
from tests.conftest import live_only
from tests.live import onlooker
from tests.processes import eventually, in_process

pytestmark = live_only
HERE = str(Path(pydfly.__file__).parent / "supervisor")


def open_descriptors() -> int:
    gc.collect()
    return len(onlooker.descriptors())


@pytest.fixture
def handler() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Set what SIGUSR1 does in this process."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda call: signal.signal(signal.SIGUSR1, lambda number, frame: call() and None)
    signal.signal(signal.SIGUSR1, before)


def soon(call: Callable[[], object], seconds: float = 0.05) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.start()
    return timer


@pytest.mark.parametrize("waits", ["wait", "wait_command", "processes"])
def test_a_handler_stops_what_it_interrupts(handler: Callable[[Callable[[], object]], None], waits: str) -> None:
    """The natural supervisor program: stop() in a signal handler while the main thread waits, many times."""
    for round in range(20):
        with pydfly.supervise(["sh", "-c", "trap '' HUP; sleep 60"], grace=0.5) as service:
            handler(service.stop)
            service.wait_started()
            timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1), 0.002 * round)
            if waits == "processes":
                while not service.is_over():
                    service.processes()
            else:
                getattr(service, waits)()
            timer.join()
        assert service.report.signal == signal.SIGTERM


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_handler_that_raises_leaves_a_handle_that_works(handler: Callable[[Callable[[], object]], None]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    handler(interrupt)
    timers: list[threading.Timer] = []
    service: pydfly.Supervised | None = None
    for round in range(20):
        before = open_descriptors()
        with pytest.raises(KeyboardInterrupt):
            timers.append(threading.Timer(0.004 * round, os.kill, (os.getpid(), signal.SIGUSR1)))
            timers[-1].start()
            with pydfly.supervise(["sleep", "60"], grace=0.5) as service:
                service.wait()
        timers[-1].join()
        if service is not None:
            service.stop()
        service = None
        assert open_descriptors() <= before


def scenario(held: list[pydfly.Supervised]) -> None:
    """Do a bit of everything, in a process of its own."""
    with pydfly.supervise(["sleep", "60"], grace=5.0, stdout=subprocess.PIPE) as service:
        held.append(service)
        service.wait_started()
        service.processes()
        service.signal(signal.SIGCONT)
        service.stop()


def interrupted_at(target: int) -> int:
    """Raise KeyboardInterrupt at a line of the scenario; return how many lines there were."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        if event == "line":
            count += 1
            if count == target:
                raise KeyboardInterrupt
        return trace

    held: list[pydfly.Supervised] = []
    sys.settrace(trace)
    try:
        scenario(held)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    for service in held:
        service.stop(0)
    return count


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("part", range(4))
def test_an_exception_at_any_line(part: int) -> None:
    """Nothing hangs, and nothing is left: no process, no descriptor.  Each line in a row of 60 is tried."""

    def work() -> list[object]:
        failures: list[object] = []
        interrupted_at(0)
        total = interrupted_at(0)
        before = open_descriptors()
        for target in range(1 + 15 * part, total + 1, 60):
            faulthandler.dump_traceback_later(60, exit=True)
            interrupted_at(target)
            gc.collect()
            eventually(lambda: not any(map(onlooker.alive, onlooker.children(os.getpid()))))
            faulthandler.cancel_dump_traceback_later()
            if open_descriptors() > before:
                failures.append((target, open_descriptors() - before))
                before = open_descriptors()
        return failures

    assert in_process(work) == []


def test_forks_beside_tasks() -> None:
    """A fork in a program with an event loop takes nothing away from it; the copies close what they have."""

    async def main() -> list[int | None]:
        services = [pydfly.aio.supervise(["sh", "-c", f"sleep 0.5; exit {number}"]) for number in range(10)]
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            await asyncio.sleep(0.02)
        return [await service.wait(60) for service in services]

    assert asyncio.run(main()) == list(range(10))


def test_a_copy_made_by_c_code_keeps_nothing_alive() -> None:
    """A fork that tells Python nothing leaves copies of the sockets open: close() ends the domain all the same."""

    def work() -> bool:
        import ctypes

        service = pydfly.supervise(["sleep", "60"], grace=5.0)
        pid = service.wait_started()
        reading, writing = os.pipe()
        copy = ctypes.CDLL(None).fork()
        if copy == 0:
            os.read(reading, 1)
            os._exit(0)
        service.close()
        eventually(lambda: not onlooker.exists(pid))
        os.write(writing, b"!")
        os.waitpid(copy, 0)
        return True

    assert in_process(work)


def test_streams() -> None:
    async def main() -> None:
        cat = ["sh", "-c", "cat; echo error >&2"]
        pipe = subprocess.PIPE
        async with pydfly.aio.supervise(cat, stdin=pipe, stdout=pipe, stderr=pipe) as service:
            assert isinstance(service.stdin, asyncio.StreamWriter)
            assert isinstance(service.stdout, asyncio.StreamReader) and service.stderr
            service.stdin.write(b"x" * 200_000)  # before it is connected
            reading = asyncio.ensure_future(service.stdout.read())
            await service.stdin.drain()
            service.stdin.close()
            assert await reading == b"x" * 200_000
            assert await service.stderr.read() == b"error\n"
            assert await service.wait() == 0

    before = open_descriptors()
    asyncio.run(main())
    assert open_descriptors() == before


def test_a_handle_outlives_its_loop() -> None:
    """After the end of its loop another one goes on with it; beside an open one that is refused."""
    services: list[pydfly.aio.Supervised] = []

    async def start() -> None:
        services.append(pydfly.aio.supervise(["sh", "-c", "sleep 0.2; exit 3"]))
        await services[0].wait_started()

    asyncio.run(start())
    assert asyncio.run(services[0].wait(60)) == 3

    async def in_both() -> None:
        service = pydfly.aio.supervise(["sleep", "60"], grace=5.0)
        await service.wait_started()
        told: list[BaseException] = []

        def other() -> None:
            try:
                asyncio.run(service.wait(1))
            except RuntimeError as error:
                told.append(error)

        await asyncio.to_thread(other)
        assert "another event loop" in str(told[0])
        await service.stop()

    asyncio.run(in_both())


def test_every_wait_can_be_cancelled() -> None:
    async def main() -> None:
        async with pydfly.aio.supervise(["sleep", "60"], grace=5.0) as service:
            for wait in (service.wait_started, service.processes, service.wait, service.wait_command, service.stop):
                task = asyncio.ensure_future(wait())
                await asyncio.sleep(0)
                if task.cancel():
                    with pytest.raises(asyncio.CancelledError):
                        await task
                else:  # what it waits for was there at once
                    assert wait not in (service.wait, service.wait_command)
                    await task
            assert await service.wait(60) == -signal.SIGTERM

    asyncio.run(main())


def test_timeouts_say_what_was_waited_for() -> None:
    with pydfly.supervise(["sleep", "60"], grace=5.0) as service:
        pid = service.wait_started()
        with pytest.raises(TimeoutError, match=rf"the end of 'sleep' \(pid {pid}\) not within 0.01 s"):
            service.wait_command(0.01)
        with pytest.raises(TimeoutError, match="everything started by 'sleep'"):
            service.wait(0.01)

        async def main() -> None:
            async with pydfly.aio.supervise(["sleep", "60"], grace=5.0) as service:
                with pytest.raises(TimeoutError, match="the end of everything started by 'sleep'"):
                    await service.wait(0.01)

        asyncio.run(main())


def test_the_command_alone_is_waited_for() -> None:
    with pydfly.supervise(["sh", "-c", "setsid sleep 60 & exit 3"], grace=0.2) as service:
        assert service.wait_command(20) == 3
        assert not service.is_over()


def test_a_signal_without_a_process_to_hear_it() -> None:
    with pydfly.supervise(["true"]) as service:
        service.wait()
        with pytest.raises(ProcessLookupError):
            service.signal(signal.SIGTERM)
    for wrong, error in ((999, ValueError), (0, ValueError), ("1", TypeError)):
        with pytest.raises(error):
            service.signal(wrong)  # type: ignore[arg-type]
    for wrong, error in ((float("nan"), ValueError), (-1, ValueError), ("1", TypeError)):
        with pytest.raises(error):
            service.stop(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("interpreter", [shutil.which("true"), "/bin/echo", sys.executable])
def test_the_interpreter_of_the_helpers(interpreter: str) -> None:
    with pydfly.supervise(["true"], interpreter=interpreter) as service:
        if interpreter == sys.executable:
            assert service.wait() == 0
        else:
            with pytest.raises(pydfly.SupervisionError, match="interpreter="):
                service.wait_started()
    with pytest.raises(FileNotFoundError):
        pydfly.supervise(["true"], interpreter="/no/such/python")


@pytest.mark.parametrize(("name", "value"), [("frozen", True), ("executable", "")])
def test_an_application_that_is_no_interpreter(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    monkeypatch.setattr(sys, name, value, raising=False)
    with pytest.raises(pydfly.BackendError, match="interpreter="):
        pydfly.supervise(["true"])


def test_refused_starts_keep_no_descriptor() -> None:
    before = open_descriptors()
    for _ in range(20):
        service = pydfly.supervise(["no-such-program"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with pytest.raises(FileNotFoundError), service:
            service.wait_started()
        del service
    assert open_descriptors() == before


def test_too_few_descriptors() -> None:
    """Whatever is refused for want of them, nothing was started and nothing is left open."""

    def work() -> list[object]:
        import resource

        with pydfly.supervise(["true"]) as service:
            service.wait()
        while os.open(os.devnull, os.O_RDONLY) < 40:  # every number below is taken
            pass
        before = open_descriptors()
        seen: list[object] = []
        for room in range(1, 20):
            resource.setrlimit(resource.RLIMIT_NOFILE, (41 + room, 4096))
            try:
                with pydfly.supervise(["sleep", "60"], stdin=-1, stdout=-1, stderr=-1, grace=5.0) as service:
                    service.wait_started()
                seen.append("started")
            except OSError as error:
                seen.append(error.errno)
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
            service = None
            assert open_descriptors() == before, (room, seen)
            with pytest.raises(ChildProcessError):  # not even a zombie
                os.waitpid(-1, os.WNOHANG)
        return seen

    seen = in_process(work)
    assert seen[0] == 24
    assert seen[-1] == "started"
    assert set(seen) == {24, "started"}


def test_standard_descriptors_that_were_closed_are_opened_again_later() -> None:
    """As a daemon does; the numbers 0 to 2 are not ours to be lost then."""

    def daemon() -> list[object]:
        for standard in (0, 1, 2):
            os.close(standard)
        with pydfly.Supervisor(grace=0.2) as supervisor:
            one = supervisor.supervise(["sleep", "60"], stdin=subprocess.DEVNULL)
            while (null := os.open(os.devnull, os.O_RDWR)) < 2:
                pass
            for standard in (0, 1, 2):
                os.dup2(null, standard)
            two = supervisor.supervise(["sh", "-c", "exit 3"])
            one.wait_started()
            found = [two.wait(), one.processes()[0].name]
            one.signal(signal.SIGKILL)
            return [*found, one.wait()]

    assert in_process(daemon) == [3, "sleep", -signal.SIGKILL]


def test_a_report_is_ready_for_json() -> None:
    with pydfly.supervise(["sh", "-c", "setsid sleep 0.1 & exit 3"]) as service:
        service.wait()
    plain = json.loads(json.dumps(service.report.as_dict()))
    assert plain["exit_status"] == 3
    assert plain["processes"][0]["name"] == "sh"
    assert plain["processes"][0]["rusage"]["max_rss"] > 0


def test_many_domains_under_one_guard() -> None:
    before = open_descriptors()
    with pydfly.Supervisor(grace=0.5) as supervisor:
        services = [supervisor.supervise(["sh", "-c", f"exit {number}"]) for number in range(20)]
        daemon = supervisor.supervise(["sh", "-c", "setsid sleep 60 & wait"], env=None, cwd="/")
        over: dict[pydfly.Supervised, int | None] = {}
        while len(over) < 20:
            for service in supervisor.wait_any(10):
                if service.is_over():
                    over[service] = service.wait()
        assert [over[service] for service in services] == list(range(20))
        members = eventually(lambda: len(daemon.processes()) == 2 and daemon.processes())
        with pytest.raises(FileNotFoundError):
            supervisor.supervise(["no-such-program"]).wait_started()
        assert eventually(lambda: supervisor.wait_any(0.05) == [])  # the last news were read
    assert daemon.report.signal == signal.SIGTERM
    assert not any(onlooker.exists(member.pid) for member in members)
    supervisor = daemon = services = over = service = None  # type: ignore[assignment]
    assert open_descriptors() == before


def test_news_for_a_foreign_loop() -> None:
    """The descriptor is readable while there are news, also such that another call has read."""
    with pydfly.Supervisor(grace=0.5) as supervisor:
        first = supervisor.supervise(["true"])
        second = supervisor.supervise(["sleep", "60"])
        descriptor = supervisor.fileno()
        first.wait()
        second.wait_started()
        assert select.select([descriptor], [], [])[0]
        assert supervisor.wait_any(5) == [second], "what wait() has told is no news"


def test_a_killed_warden_takes_no_other_domain_along() -> None:
    with pydfly.Supervisor(grace=0.2) as supervisor:
        services = [supervisor.supervise(["sleep", "60"]) for _ in range(3)]
        members = [service.wait_started() and service.processes()[0] for service in services]
        os.kill(members[1].ppid, signal.SIGKILL)
        with pytest.raises(pydfly.SupervisionError, match="the warden was killed"):
            services[1].wait(60)
        assert not onlooker.exists(members[1].pid)
        assert [service.is_over() for service in services] == [False, True, False]


def test_many_domains_in_a_loop() -> None:
    async def main() -> None:
        async with pydfly.aio.Supervisor(grace=0.5) as supervisor:
            services = [supervisor.supervise(["sh", "-c", f"exit {number}"]) for number in range(10)]
            assert await asyncio.gather(*(service.wait(60) for service in services)) == list(range(10))
            left = supervisor.supervise(["sleep", "60"])
            assert await supervisor.wait_any(10) == [left]
        assert left.report.signal == signal.SIGTERM

    asyncio.run(main())


def test_several_threads_and_a_property() -> None:
    """A property that takes the message that another thread waits for wakes that thread."""
    for _ in range(10):
        with pydfly.supervise(["sleep", "60"], grace=5.0) as service:
            started = threading.Event()
            thread = threading.Thread(target=lambda done: (service.wait_started(), done.set()), args=(started,))
            thread.start()
            end = time.monotonic() + 60
            while not started.is_set() and time.monotonic() < end:
                _ = service.exit_status
            assert started.is_set()
            thread.join()


@pytest.mark.parametrize("many", [False, True])
def test_a_finalizer_stops_what_is_garbage_already(many: bool) -> None:
    """An object in a cycle stops its command: by then nothing refers weakly to the handle any more."""
    stopped = []

    class Keeper:
        def __init__(self) -> None:
            self.itself = self
            self.supervisor = pydfly.Supervisor(grace=5.0) if many else None
            start = self.supervisor.supervise if self.supervisor else pydfly.supervise
            self.service = start(["sleep", "60"])
            self.service.wait_started(20)

        def __del__(self) -> None:
            self.service.stop()
            stopped.append(self.service.exit_status)

    Keeper()
    gc.collect()
    assert stopped in ([-signal.SIGTERM], [None])  # None: the handle was finalized first, and has ended it then


def test_nothing_can_be_copied() -> None:
    """A copy would share the line, and its end would be the end of the command."""
    with pydfly.Supervisor(grace=1.0) as supervisor:
        command = supervisor.supervise(["sleep", "60"])
        service = supervisor.service("x", ["sleep", "60"])
        for thing in (supervisor, command, service):
            for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="cannot"):
                    duplicate(thing)
        gc.collect()
        assert command.wait_started(20) in [process.pid for process in command.processes()]


def test_nan_is_no_time_to_wait_for() -> None:
    """No time is later than it, so it would be waited for without end."""
    nan = float("nan")
    with pydfly.Supervisor(grace=1.0) as supervisor:
        command = supervisor.supervise(["sleep", "60"])
        service = supervisor.service("x", ["sleep", "60"], ready=3)
        service.start()
        for wait in (command.wait, command.wait_command, command.wait_started, supervisor.wait_any, service.wait_ready):
            with pytest.raises(ValueError, match="nan"):
                wait(nan)

    async def awaiting() -> None:
        async with pydfly.aio.supervise(["sleep", "60"], grace=1.0) as other:
            with pytest.raises(ValueError, match="nan"):
                await other.wait(nan)

    asyncio.run(awaiting())


def test_arguments_that_subprocess_refuses_or_takes() -> None:
    """A predicate is called later, so it is looked at before; -1 of fileno() means that there is no file behind it."""
    with pytest.raises(TypeError, match="spare"):
        pydfly.supervise(["true"], spare="sleep")  # type: ignore[arg-type]

    class Nothing:
        def fileno(self) -> int:
            return -1

    with pydfly.supervise(["sh", "-c", "exit 3"], stdin=Nothing()) as command:  # type: ignore[arg-type]
        assert command.wait(60) == 3
    if sys.version_info < (3, 12):
        for value in (None, "x", 2**70):
            with pytest.raises((TypeError, OverflowError)):
                pydfly.supervise(["true"], start_new_session=value)  # type: ignore[arg-type]


def test_a_program_that_ends_says_nothing_of_children() -> None:
    """Its audit hook is called when its module has lost all names: a child is made by a finalizer that late."""
    code = """
import os, pydfly.reaper
from pydfly.backends import forked_children
pydfly.reaper.acquire()
class Late:
    def __del__(self, system=os.system):
        system("true")
forked_children.late = Late()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert (ended.returncode, ended.stderr) == (0, "")
