"""Servers that people run, under ``pydfly svc``: a killed main process, a restart, a stop, the log, the status."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import linux_only
from tests.live import onlooker
from tests.processes import eventually

from .daemons import Daemons, running
from .test_daemon import below, command_pid, tells_sender


def program(name: str) -> str:
    """Return the path of a program; the test is skipped where it is not installed."""
    places = [os.environ["PATH"], "/usr/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))]
    found = shutil.which(name, path=":".join(places))
    if found is None:
        if "linux" in os.environ.get("PYDFLY_REQUIRE", ""):
            pytest.fail(f"{name} is not installed, and nothing may be skipped")
        pytest.skip(f"{name} is not installed")
    return found


def answers(path: Path, question: bytes, expected: bytes) -> Callable[[], bool]:
    """Return what asks a server at a socket."""

    def ask() -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(path))
            connection.sendall(question)
            return connection.recv(1000).startswith(expected)
        return False

    return ask


def kill_and_watch(daemons: Daemons, label: str, up: Callable[[], bool]) -> None:
    """Kill the main process: the service is up again with another one; then stop it, and no process is left."""
    daemon = int((daemons.directory / f"service.{label}.pid").read_text())
    eventually(up, timeout=200)
    before = command_pid(daemons, label)
    first = below(daemon)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: daemons.state(label) == "running" and command_pid(daemons, label) != before, timeout=200)
    eventually(up, timeout=200)
    assert daemons.status(label)["restarts"] == 1
    members = below(daemon)
    assert daemons.run("stopall", label).returncode == 0
    assert daemons.state(label) == "stopped (manual)"
    helpers = {daemon, *(one for one in below(daemon))}
    assert not any(running(one) for one in (first | members) - helpers)
    assert not up()
    assert daemons.run("start", label).returncode == 0
    eventually(up, timeout=200)
    members = below(daemon)
    assert daemons.run("exit", label).returncode == 0
    eventually(lambda: not any(map(running, members)))


def test_redis(daemons: Daemons) -> None:
    """It tells by a line on a descriptor, through a wrapper, when it takes connections."""
    redis = program("redis-server")
    path = daemons.directory / "redis.sock"
    client = program("redis-cli")
    wrapper = (
        f"{redis} --port 0 --unixsocket {path} --save '' & "
        f'until [ "$({client} -s {path} ping 2>/dev/null)" = PONG ]; do sleep 0.05; done; echo up >&3; exec 3>&-; wait'
    )
    daemons.init("--ready", "3", "-r", "0", "-t", "5", "init", "redis", "sh", "-c", wrapper)
    eventually(lambda: daemons.state("redis") == "running", timeout=200)
    assert answers(path, b"PING\r\n", b"+PONG")()
    assert "eady to accept connections" in daemons.run("log", "redis").stdout
    kill_and_watch(daemons, "redis", answers(path, b"PING\r\n", b"+PONG"))


@tells_sender
def test_redis_with_notify(daemons: Daemons) -> None:
    """Debian's redis says READY=1 itself; one without that says it through this wrapper."""
    redis = program("redis-server")
    path = daemons.directory / "redis.sock"
    code = """
import os, socket, subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
next(line for line in server.stdout if b"eady to accept connections" in line)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1\\nMAINPID=%d\\nSTATUS=serving" % server.pid, "\\0" + os.environ["NOTIFY_SOCKET"][1:])
for line in server.stdout:
    os.write(1, line)
"""
    words = [sys.executable, "-c", code, redis, "--port", "0", "--unixsocket", str(path), "--save", ""]
    daemons.init("--ready", "notify", "-R", "0", "init", "redis", *words)
    eventually(lambda: daemons.state("redis") == "running", timeout=200)
    status = daemons.status("redis")
    assert status["text"] == "serving"
    assert onlooker.look(int(str(status["pid"]))).name == "redis-server"  # not the wrapper
    kill_and_watch(daemons, "redis", answers(path, b"PING\r\n", b"+PONG"))


def test_nginx(daemons: Daemons) -> None:
    """A master with workers."""
    nginx = program("nginx")
    path = daemons.directory / "nginx.sock"
    (daemons.directory / "nginx.conf").write_text(f"""
daemon off; master_process on; worker_processes 2; pid {daemons.directory}/nginx.pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {daemons.directory}/body; proxy_temp_path {daemons.directory}/proxy;
  fastcgi_temp_path {daemons.directory}/fcgi; uwsgi_temp_path {daemons.directory}/uwsgi;
  scgi_temp_path {daemons.directory}/scgi;
  server {{ listen unix:{path}; return 204; }} }}
""")
    daemons.init("-r", "0", "init", "web", "sh", "-c", f"rm -f {path}; exec {nginx} -c {daemons.directory}/nginx.conf")
    eventually(lambda: "start worker process" in daemons.run("log", "web").stdout, timeout=200)
    kill_and_watch(daemons, "web", answers(path, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 204"))


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL is not for root, who here makes it another user's")
def test_postgresql(daemons: Daemons) -> None:
    """As its own user, with the signal that it wants for a fast shutdown, and in the log that it has ended in order."""
    postgres, initdb = program("postgres"), program("initdb")
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("there is no user postgres")
    os.chmod(daemons.directory, 0o755)
    data = daemons.directory / "data"
    data.mkdir(mode=0o700)
    os.chown(data, user.pw_uid, user.pw_gid)
    subprocess.run(
        [initdb, "-D", str(data), "--no-sync", "-A", "trust"],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        check=True,
        capture_output=True,
        cwd=data,
    )
    words = [postgres, "-D", str(data), "-k", str(data), "-c", "listen_addresses=", "-c", "fsync=off"]
    daemons.init("-u", "postgres", "--stop-signal", "INT", "-t", "30", "-R", "0", "init", "db", *words)
    eventually(lambda: "ready to accept connections" in daemons.run("log", "db").stdout, timeout=200)
    assert Path(f"/proc/{command_pid(daemons, 'db')}").stat().st_uid == user.pw_uid

    def up() -> bool:
        psql = [program("psql"), "-h", str(data), "-U", "postgres", "-tAc", "select 42"]
        return subprocess.run(psql, capture_output=True, text=True).stdout.strip() == "42"

    kill_and_watch(daemons, "db", up)
