"""A daemon and its clients: slow, silent, hostile and many ones; none of them stops the service or another client."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from pydfly.cli import svc
from pydfly.cli.svc import client, wire
from tests.conftest import reads_proc
from tests.processes import eventually

from .daemons import Daemons, answer, running

NOISE = "import os\nwhile True: os.write(1, b'0123456789' * 6 + b'\\n')"


@pytest.fixture
def web(daemons: Daemons) -> Daemons:
    daemons.init("init", "web", "sleep", "1000")
    return daemons


def test_several_requests_on_a_connection(web: Daemons) -> None:
    """Also when all of them come at once, and when one comes in single bytes."""
    with web.connect("web") as connection:
        connection.sendall(b"list\nlist\n")
        assert answer(connection) == b"web             \n"
        assert answer(connection) == b"web             \n"
        for byte in b"status\n":
            connection.sendall(bytes([byte]))
        assert answer(connection) == b"web              running\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"\n", b"No directive specified\n"),
        (b"-h\n", b"svc [options]"),
        (b"help\n", b"svc [options]"),
        (b"init web sleep 1\n", b"svc web: init is not for a daemon that runs\n"),
        (b"bogus x\n", b"Uknown directive: bogus\n"),
        (b"stop\n", b"Directive requires a label or 'all': stop\n"),
        (b"-q status\n", b"Unknown option ?\n"),
        (b"-k clean\n", b"No directive specified\n"),
        (b"-k x status\n", b"jail-spec 'x' not understood\n"),
        (b"\x1b[2J x\n", b"Uknown directive: \\x1b[2J\n"),
        (b"logfile web \0\n", b"a null byte cannot be in an argument\n"),
        (b"a\xffb web\n", b"Uknown directive: a\\xffb\n"),
        (b"status other\n", b"web              running\n"),
    ],
)
def test_requests_of_all_kinds(web: Daemons, line: bytes, expected: bytes) -> None:
    """Every one is answered, and the label is always the daemon's own."""
    assert web.ask("web", line).startswith(expected)
    assert web.state("web") == "running"


def test_a_newline_in_an_argument_is_one_request(web: Daemons) -> None:
    """The tool takes it for two, and would stop the service."""
    line = wire.encode(["logfile", "web", f"{web.directory}/a\nstop web"])
    assert b"Change logfile" in web.ask("web", line)
    assert web.state("web") == "running"
    assert os.path.exists(f"{web.directory}/a\nstop web")


def test_a_megabyte(web: Daemons) -> None:
    answered = web.ask("web", wire.encode(["logfile", "web", "x" * 1_000_000]))
    assert b"File name too long" in answered
    answered = web.ask("web", wire.encode(["logfile", "web", "\\ " * 500_000]))
    assert b"File name too long" in answered


def test_a_request_without_an_end(web: Daemons) -> None:
    """It is refused before it takes all the memory."""
    with web.connect("web") as connection:
        try:
            for _ in range(100):
                connection.sendall(b"x" * 100_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert web.state("web") == "running"


def test_half_closed_connections_are_answered(web: Daemons) -> None:
    """As `printf 'list\\n' | nc -N -U` does it."""
    with web.connect("web") as connection:
        connection.sendall(b"list\nstatus\n")
        connection.shutdown(socket.SHUT_WR)
        data = b""
        while piece := connection.recv(4096):
            data += piece
    assert data == b"web             \n.\nweb              running\n.\n"


def test_two_hundred_clients_at_once(web: Daemons) -> None:
    """Silent ones, half-written lines and followers, while two hundred others are answered."""
    silent = [web.connect("web") for _ in range(100)]
    for number, connection in enumerate(silent):
        if number % 3:
            connection.sendall(b"stat" if number % 3 == 1 else b"logf\n")
    asking = [web.connect("web") for _ in range(200)]
    for connection in asking:
        connection.sendall(b"status\n")
    for connection in asking:
        assert answer(connection) == b"web              running\n"
    silent[1].sendall(b"us\n")
    assert answer(silent[1]) == b"web              running\n"
    for connection in [*silent, *asking]:
        connection.close()
    pid = int((web.directory / "service.web.pid").read_text())
    assert web.state("web") == "running"
    if os.path.isdir("//proc/self/fd"):
        eventually(lambda: len(os.listdir(f"//proc/{pid}/fd")) < 40)  # no descriptor is leaked


def test_six_hundred_silent_clients(web: Daemons) -> None:
    """Beyond a number of them the most silent is closed, and the next one is answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        connections = [web.connect("web") for _ in range(600)]
        assert web.state("web") == "running"
        assert connections[0].recv(1) == b""
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@reads_proc
def test_a_follower_that_does_not_read(daemons: Daemons) -> None:
    """A service that writes without end and a client that reads nothing: both others and the stop are served."""
    daemons.init("init", "noise", sys.executable, "-c", NOISE)
    with daemons.connect("noise") as slow:
        slow.sendall(b"logf\n")
        slow.recv(1)
        for _ in range(5):
            assert daemons.state("noise") == "running"
        pid = int((daemons.directory / "service.noise.pid").read_text())
        before = memory(pid)
        lost = b""
        time_is_up = time.monotonic() + 60
        while b"(LOG DATA LOST)\n" not in lost:
            lost = lost[-100:] + slow.recv(1 << 20)
            assert time.monotonic() < time_is_up
        assert memory(pid) < before + 20_000
    assert daemons.run("stop", "noise").returncode == 0
    assert daemons.state("noise") == "stopped (manual)"


def memory(pid: int) -> int:
    """Return how many kilobytes a process has in memory."""
    (line,) = [line for line in Path(f"//proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def test_a_log_is_followed(daemons: Daemons) -> None:
    """logf shows the past and what comes, tailf only that; a request behind it ends it and is answered."""
    script = "echo past; while read line; do echo $line; done"
    fifo = daemons.directory / "fifo"
    os.mkfifo(fifo)
    daemons.init("init", "web", "sh", "-c", f"exec <>{fifo}; {script}")
    eventually(lambda: "past" in daemons.run("log", "web").stdout)
    with daemons.connect("web") as follower, daemons.connect("web") as tail:
        follower.sendall(b"logf\n")
        tail.sendall(b"tailf\n")
        assert daemons.state("web") == "running"  # both have begun
        with open(fifo, "w") as pipe:
            for line in ("one", ".", "..", "two"):
                pipe.write(line + "\n")
        data = b""
        while not data.endswith(b"one\n..\n..\ntwo\n"):
            data += follower.recv(4096)
        assert b"past\n" in data
        follower.sendall(b"list\n")
        assert answer(follower) == b""
        assert answer(follower) == b"web             \n"
        tail.sendall(b"list\n")
        assert answer(tail) == b"one\n..\n..\ntwo\n"


def test_the_last_bytes_are_whole_and_in_order(daemons: Daemons) -> None:
    """8192 bytes, of any values, after much more than that."""
    program = (
        "import os, time\nfor number in range(20000): os.write(1, b'%07d\\n' % number)\n"
        "os.write(1, bytes(range(256)) * 4)\ntime.sleep(1000)"
    )
    daemons.init("init", "web", sys.executable, "-c", program)
    wanted = (b"".join(b"%07d\n" % number for number in range(20000)) + bytes(range(256)) * 4)[-8192:]
    command = [sys.executable, "-m", "pydfly", "svc", "-p", str(daemons.directory), "log", "web"]

    def log() -> bytes:
        return subprocess.run(command, capture_output=True).stdout

    eventually(lambda: log()[:-1] == wanted, timeout=200)


def test_others_are_refused(web: Daemons) -> None:
    """The socket is the owner's, and a peer of another user is not listened to."""
    path = web.directory / "service.web.sk"
    assert path.stat().st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    os.chmod(web.directory, 0o755)
    os.chmod(path, 0o666)
    code = (
        "import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
        f"s.connect({str(path)!r}); print(s.recv(1000)); s.sendall(b'stop web\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "permission denied" in done.stdout
    assert web.state("web") == "running"


def test_a_client_that_is_killed(web: Daemons) -> None:
    """In the middle of a stop: the stop goes on, and the daemon answers others."""
    web.run("exit", "web")
    web.init("-t", "3", "init", "web", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    client = web.start("stop", "web")
    assert client.stdout
    assert client.stdout.readline() == "svc web: Stopping\n"
    client.kill()
    client.communicate()
    assert web.state("web") in ("killing", "stopped (manual)")
    eventually(lambda: web.state("web") == "stopped (manual)")


def test_a_stopped_daemon_is_waited_for(web: Daemons) -> None:
    """Its deputy does not need it, and when it is continued the answer comes."""
    pid = int((web.directory / "service.web.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    client = web.start("status", "web")
    os.kill(pid, signal.SIGCONT)
    assert client.communicate(timeout=200)[0] == "web              running\n"
    assert running(pid)


IMPATIENT = "import sys; from pydfly.cli import svc; from pydfly.cli.svc import client; client._PATIENCE = 2.0; "


@pytest.mark.parametrize("backlog", [8, 0])
@pytest.mark.parametrize("directive", ["status", "list", "log", "stop"])
def test_a_daemon_that_never_answers_is_given_up(web: Daemons, directive: str, backlog: int) -> None:
    """It is stopped, or no daemon: the others are asked all the same, and the caller does not hang."""
    with contextlib.ExitStack() as opened:
        deaf = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        deaf.bind(str(web.directory / "service.deaf.sk"))
        deaf.listen(backlog)
        if not backlog:
            opened.enter_context(web.connect("deaf"))  # there is room for one
        code = f"{IMPATIENT}sys.exit(svc.main(['-p', {str(web.directory)!r}, {directive!r}, 'all']))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
        assert "Unable to connect to service deaf\n" in done.stdout
        assert {"status": "web              running\n", "list": "web             \n"}.get(
            directive, "web"
        ) in done.stdout
        assert done.returncode == 1


def test_a_client_that_was_stopped_reads_what_came_meanwhile(
    daemons: Daemons, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By Ctrl-Z and fg: the time in which a daemon must answer is over then, but it has answered."""
    with contextlib.ExitStack() as opened:
        stranger = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        stranger.bind(str(daemons.directory / "service.x.sk"))
        stranger.listen(8)
        connections: list[socket.socket] = []
        asked = 0  # how often since the request has arrived

        def monotonic() -> float:
            nonlocal asked
            if not connections and select.select([stranger], [], [], 0)[0]:
                connections.append(opened.enter_context(stranger.accept()[0]))
            if connections and select.select(connections, [], [], 0)[0]:
                asked += 1
                if asked == 2:
                    connections[0].sendall(b"x                running\n.\n")
            return time.monotonic() + (1000.0 if asked >= 2 else 0.0)

        monkeypatch.setattr(client, "_PATIENCE", 0.2)
        monkeypatch.setattr(client, "time", types.SimpleNamespace(monotonic=monotonic, sleep=time.sleep))
        assert svc.main(["-p", str(daemons.directory), "status", "x"]) == 0
    assert capsys.readouterr().out == "x                running\n"


@pytest.mark.parametrize("value", [b"[" * 100_000, b"9" * 5000, b"5", b'{"column": "\\u001b"}'])
def test_a_stranger_that_answers_with_json(daemons: Daemons, value: bytes) -> None:
    """What it says may be nested too deeply to be read, or be no service at all."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.bind(str(daemons.directory / "service.x.sk"))
        stranger.listen(8)
        client = daemons.start("--json", "status", "x")
        connection, _ = stranger.accept()
        with connection:
            connection.sendall(value + b"\n.\n")
            out, err = client.communicate(timeout=200)
    assert (client.returncode in (0, 1), err) == (True, "")
    assert "\x1b" not in out


def test_what_stands_where_a_socket_should(daemons: Daemons) -> None:
    """A directory cannot be removed as a socket: that is said, and no pid file is made by it."""
    (daemons.directory / "service.x.sk").mkdir()
    done = daemons.run("exit", "x")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert os.listdir(daemons.directory) == ["service.x.sk"]
