"""Services of a Supervisor: states, restarts, readiness, log, and that nothing outlives them."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import pydfly
from pydfly.supervisor.services.notify_socket import AVAILABLE
from tests.conftest import live_only, reads_proc
from tests.live import onlooker
from tests.processes import eventually, in_process

pytestmark = live_only

SLEEP = ["sleep", "1000"]
tells_sender = pytest.mark.skipif(not AVAILABLE, reason="only Linux tells which process has sent a datagram")


def running(pid: int | None) -> bool:
    """Say whether a process runs; a zombie does not."""
    return pid is not None and onlooker.alive(pid)


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def parent(pid: int) -> int:
    return onlooker.look(pid).ppid


def deputy_of(pid: int | None) -> int:
    """Return the pid of the deputy above a command; 0 while there is none."""
    try:
        above = parent(parent(pid or 0))
        return above if parent(parent(above)) == os.getpid() else 0
    except ProcessLookupError:
        return 0


def test_from_start_to_stop() -> None:
    with pydfly.Supervisor(grace=2.0) as supervisor:
        web = supervisor.service("web", SLEEP)
        assert (web.status().state, web.status().pid) == ("stopped", None)
        with pytest.raises(RuntimeError, match="it was not started"):
            web.wait_ready()
        web.start()
        first = web.wait_ready(timeout=60)
        assert (first.name, first.state, first.restarts, first.launches) == ("web", "running", 0, 1)
        assert abs(first.since - time.time()) < 20
        assert running(first.pid)
        web.start()
        assert web.status().pid == first.pid
        web.restart()
        second = web.status()
        assert (second.launches, second.restarts, second.last_exit) == (2, 0, -signal.SIGTERM)
        assert running(second.pid)
        assert not running(first.pid)
        web.stop()
        last = web.status()
        assert (last.state, last.manual, last.reason) == ("stopped", True, "stopped by hand")
        assert not running(second.pid)


def test_restarts_need_nothing_of_the_caller() -> None:
    """It sleeps, in one thread, while the guard restarts what is killed."""
    with pydfly.Supervisor(grace=2.0) as supervisor:
        web = supervisor.service("web", SLEEP, delay=0.05, limit=None, backoff=1.0)
        web.start()
        pids = {web.wait_ready(20).pid}
        for number in range(1, 6):
            os.kill(web.status().pid or 0, signal.SIGKILL)
            status = eventually(lambda number=number: (now := web.status()).restarts == number and now.pid and now)
            assert status.last_exit == -signal.SIGKILL
            pids.add(status.pid)
        assert len(pids) == 6


@pytest.mark.parametrize(
    ("options", "command", "state", "restarts"),
    [
        ({"restart": "never"}, ["false"], "stopped", 0),
        ({"restart": "on-failure"}, ["true"], "stopped", 0),
        ({"restart": "on-failure"}, ["false"], "failed", 2),
        ({"restart": "always"}, ["true"], "failed", 2),
        ({"restart": "always", "ends_with": "command"}, ["sh", "-c", "sleep 1000 & exit 3"], "failed", 2),
        ({"restart": "always"}, ["/none"], "failed", 0),
    ],
)
def test_what_becomes_of_it(options: dict[str, Any], command: list[str], state: str, restarts: int) -> None:
    with pydfly.Supervisor(grace=2.0) as supervisor:
        service = supervisor.service("x", command, delay=0.01, limit=(2, 60.0), **options)
        service.start()
        status = eventually(lambda: (now := service.status()).state == state and now)
        assert status.restarts == restarts
        if command == ["/none"]:
            assert status.reason == "/none: No such file or directory"


def test_backoff_is_what_was_asked_for() -> None:
    """Live: the guard announces pauses of 0.4, 0.8 and 1.6 seconds, starts nothing before their end, and gives up.

    How soon after the end of a pause the guard gets a processor is the machine's affair.
    """
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service("x", SLEEP, delay=0.4, backoff=2.0, limit=(3, 60.0))
        service.start()
        status = service.wait_ready(20)
        for launches, pause in enumerate([0.4, 0.8, 1.6], 2):
            assert status.pid
            killed = time.time()
            os.kill(status.pid, signal.SIGKILL)
            status = eventually(
                lambda launches=launches: ((now := service.status()).launches == launches or now.restart_at) and now
            )
            if status.restart_at:  # the pause is not over yet, as it may be when this process had to wait
                assert status.restart_at - status.since == pytest.approx(pause, rel=0.05)
            status = eventually(lambda launches=launches: (now := service.status()).launches == launches and now)
            assert status.since > killed + pause - 0.01
        os.kill(status.pid, signal.SIGKILL)
        eventually(lambda: service.status().state == "failed")
        assert "the limit is 3 automatic restarts in 60 s" in service.status().reason


def test_ready_by_descriptor_and_by_notification() -> None:
    tell = {
        3: "os.read(0, 0); time.sleep(0.05); os.write(3, b'half'); time.sleep(0.05); os.write(3, b' a line\\n')",
        "notify": "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
        "s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:]);"
        "s.send(b'STATUS=soon'); time.sleep(0.1); s.send(b'READY=1\\nSTATUS=now')",
    }
    with pydfly.Supervisor() as supervisor:
        for ready, code in tell.items():
            if ready == "notify" and not AVAILABLE:
                with pytest.raises(pydfly.BackendError, match="does not tell the sender"):
                    supervisor.service("x", SLEEP, ready=ready)
                continue
            program = f"import os, socket, time; {code}; time.sleep(1000)"
            service = supervisor.service("x", [sys.executable, "-c", program], ready=ready)
            service.start()
            assert service.status().state == "starting"
            assert service.wait_ready(20).state == "running"
            assert service.status().text == ("now" if ready == "notify" else "")


@tells_sender
def test_a_daemon_tells_its_main_process() -> None:
    """MAINPID= is believed for members only; a datagram of no descendant is not heard at all."""
    code = """
import os, socket, time
child = os.fork()
if child == 0:
    os.setsid()
    time.sleep(1000)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect("\\0" + os.environ["NOTIFY_SOCKET"][1:])
notify.send(b"MAINPID=%d" % os.getppid())
notify.send(b"MAINPID=1")
notify.send(b"MAINPID=junk")
notify.send(b"MAINPID=" + b"9" * 5000)  # more digits than int() takes
print(os.environ["NOTIFY_SOCKET"], child, flush=True)
notify.send(b"READY=1\\nMAINPID=%d" % child)
time.sleep(1000)
"""
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service("x", [sys.executable, "-c", code], ready="notify")
        service.start()
        service.wait_ready(20)
        address, child = eventually(lambda: service.log().decode().split())
        assert service.status().pid == int(child)
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"STATUS=hacked\nMAINPID=1", "\0" + address[1:])
        service.restart()
        assert service.status().text == ""


def test_not_ready_in_time() -> None:
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service("x", SLEEP, ready=3, ready_timeout=0.2, restart="never")
        service.start()
        with pytest.raises(RuntimeError, match=r"service 'x' is failed: 0.2 s went by before it was ready"):
            service.wait_ready(20)
        slow = supervisor.service("y", SLEEP, ready=3)
        slow.start()
        with pytest.raises(TimeoutError, match="service 'y' ready not within"):
            slow.wait_ready(0.05)


def test_the_log(tmp_path: Path) -> None:
    """The last bytes in memory, all in the file, which can be renamed and opened again."""
    path = tmp_path / "log"
    before = os.umask(0)
    try:
        with pydfly.Supervisor() as supervisor:
            code = "import os, sys, time; os.write(1, b'a' * 100 + b'\\n'); os.write(2, b'b\\n'); time.sleep(1000)"
            service = supervisor.service("x", python(code), log=path, log_ring=10)
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
            service.start()
            eventually(lambda: service.log() == b"aaaaaaa\nb\n")
            eventually(lambda: path.stat().st_size == 103)  # what is not written yet goes to the file that is opened
            path.rename(tmp_path / "log.0")
            service.reopen_log()
            service.restart()
            eventually(lambda: path.exists() and path.read_bytes() == b"a" * 100 + b"\nb\n")
            with pytest.raises(FileNotFoundError):
                service.reopen_log(tmp_path / "none" / "log")
            for name in ("a\0b", "\ud800"):  # no file can have these; the guard, and with it the service, lives on
                with pytest.raises(ValueError, match=r"null byte|surrogates"):
                    service.reopen_log(name)
            with pytest.raises(FileNotFoundError) as caught:
                supervisor.service("y", SLEEP, log=tmp_path / "none" / "log")
            assert caught.value.filename == str(tmp_path / "none" / "log")
        assert (tmp_path / "log.0").read_bytes() == b"a" * 100 + b"\nb\n"
    finally:
        os.umask(before)


def test_output_is_whole_at_the_end(tmp_path: Path) -> None:
    """A short run that writes much: nothing of it is lost."""
    path = tmp_path / "log"
    code = "import os\nfor number in range(40_000): os.write(1, b'%07d\\n' % number)"
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service("x", python(code), log=path, restart="never")
        service.start()
        eventually(lambda: service.status().state == "stopped", timeout=200)
    assert path.read_bytes() == b"".join(b"%07d\n" % number for number in range(40_000))


def test_the_end_of_the_supervisor_ends_all_and_restarts_nothing() -> None:
    with pydfly.Supervisor(grace=2.0) as supervisor:
        services = [supervisor.service(f"s{number}", SLEEP, restart="always", delay=0.0) for number in range(5)]
        domain = supervisor.supervise(SLEEP)
        for service in services:
            service.start()
        pids = [service.wait_ready(20).pid for service in services] + [domain.wait_started()]
    assert not any(map(running, pids))
    with pytest.raises(pydfly.SupervisionError):
        services[0].status()


def test_the_death_of_the_caller_ends_all() -> None:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        supervisor = pydfly.Supervisor(grace=1.0)
        service = supervisor.service(
            "x", ["sh", "-c", "setsid sleep 1000 & exec sleep 1000"], restart="always", delay=0.0
        )
        service.start()
        os.write(writing, b"%d" % (service.wait_ready().pid or 0))
        signal.pause()
    command = int(os.read(reading, 20))
    warden = parent(command)
    helpers = [warden, parent(warden), parent(parent(warden))]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    eventually(lambda: not any(map(running, [command, *helpers])))
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("who", ["warden", "deputy"])
def test_a_killed_helper_is_a_failure_like_any(who: str) -> None:
    with pydfly.Supervisor(grace=1.0) as supervisor:
        service = supervisor.service("x", SLEEP, delay=0.01)
        service.start()
        pid = service.wait_ready(20).pid
        assert pid
        warden = parent(pid)
        os.kill(warden if who == "warden" else parent(warden), signal.SIGKILL)
        status = eventually(lambda: (now := service.status()).restarts and now.state == "running" and now)
        assert status.pid != pid
        assert not running(pid)
        eventually(lambda: not running(warden))


def test_a_start_that_meets_a_dead_deputy() -> None:
    """A domain that was handed down to it and not read is told as lost, and restarted."""
    with pydfly.Supervisor(grace=1.0) as supervisor:
        anchor = supervisor.service("anchor", SLEEP, delay=0.01, limit=None)
        service = supervisor.service("x", SLEEP, delay=0.01, limit=None)
        killed = deputy = 0
        for _ in range(40):
            anchor.start()
            while deputy == killed:  # it dies a moment after the signal
                deputy = eventually(lambda: deputy_of(anchor.status().pid))
            killed = deputy
            os.kill(deputy, signal.SIGSTOP)  # what comes now stays unread
            service.start()
            os.kill(deputy, signal.SIGKILL)
            assert service.wait_ready(20).state == "running"
            service.stop()


def test_a_killed_guard_is_told() -> None:
    supervisor = pydfly.Supervisor(grace=1.0)
    service = supervisor.service("x", SLEEP)
    service.start()
    pid = service.wait_ready(20).pid
    assert pid
    os.kill(parent(parent(parent(pid))), signal.SIGKILL)
    with pytest.raises(pydfly.SupervisionError, match="its guard was killed"):
        while True:
            service.status()
    eventually(lambda: not running(pid))
    supervisor.close()


def test_from_several_threads() -> None:
    """Many threads ask, stop and start; in the end the service answers."""
    with pydfly.Supervisor(grace=1.0) as supervisor:
        service = supervisor.service("x", SLEEP)
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for _ in range(5):
                    (service.start, service.stop, service.restart, service.status, service.log)[number % 5]()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        service.restart()
        assert service.wait_ready(20).state == "running"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"restart": "maybe"}, ValueError),
        ({"delay": -1}, ValueError),
        ({"backoff": 0.5}, ValueError),
        ({"limit": (1, -1)}, ValueError),
        ({"limit": 5}, TypeError),
        ({"limit": ()}, ValueError),
        ({"limit": (1,)}, ValueError),
        ({"limit": (1, 2, 3)}, ValueError),
        ({"log": "a\0b"}, ValueError),
        ({"log": "\ud800"}, ValueError),
        ({"ends_with": "nobody"}, ValueError),
        ({"ready": "yes"}, ValueError),
        ({"ready": 1}, ValueError),
        ({"ready_timeout": float("nan")}, ValueError),
        ({"log_ring": -1}, ValueError),
        ({"log_ring": 1.5}, TypeError),
        ({"stdout": 1}, TypeError),
        ({"spare": bool}, TypeError),
        ({"grace": -1}, ValueError),
        ({"user": "nobodyatall"}, KeyError),
        ({"bogus": 1}, TypeError),
    ],
)
def test_invalid_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    """Refused in the caller; nothing is made, and no descriptor is left."""
    with pydfly.Supervisor() as supervisor:
        before = set(onlooker.descriptors())
        with pytest.raises(error):
            supervisor.service("x", SLEEP, **arguments)
        assert set(onlooker.descriptors()) <= before  # what is garbage of other tests may be gone meanwhile
        for name in ("", 5):
            with pytest.raises(ValueError, match="the name"):
                supervisor.service(name, SLEEP)  # type: ignore[arg-type]


def test_a_forked_copy_owns_nothing() -> None:
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service("x", SLEEP)
        service.start()
        pid = service.wait_ready(20).pid

        def copy() -> str:
            try:
                service.stop()
            except RuntimeError as error:
                return str(error)
            return ""

        assert "forked copy" in in_process(copy)
        assert running(pid)


def test_a_dropped_handle_ends_its_service() -> None:
    with pydfly.Supervisor(grace=1.0) as supervisor:
        service = supervisor.service("x", SLEEP, restart="always", delay=0.0)
        service.start()
        pid = service.wait_ready(20).pid
        assert pid
        service.close()
        assert service.is_over()
        for method in (service.status, service.wait_ready, service.stop):
            with pytest.raises(pydfly.SupervisionError):
                method()
        eventually(lambda: not running(pid))
        other = supervisor.service("y", SLEEP)
        assert not other.is_over()
        other.start()
        assert other.wait_ready(20).state == "running"


@reads_proc
def test_output_without_end_costs_no_memory() -> None:
    """Output that is not asked for is kept in a ring, whose size is bounded, and the pipe is emptied all the same."""
    with pydfly.Supervisor() as supervisor:
        code = "import os\nwhile True: os.write(1, b'x' * 1000 + b'\\n')"
        service = supervisor.service("x", python(code))
        service.start()
        pid = service.wait_ready(20).pid
        assert pid
        guard = parent(parent(parent(pid)))

        def memory() -> int:
            return int(Path(f"//proc/{guard}/statm").read_text().split()[1])

        def is_flat() -> bool:
            before, then = memory(), time.monotonic()
            eventually(lambda: time.monotonic() > then + 1)
            return memory() < before + 50

        eventually(is_flat, timeout=200)  # allocators and the collector of garbage find their size first
