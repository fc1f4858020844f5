"""Daemons for tests: a directory of their own, the command, and an end for everything that was started."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.live import onlooker
from tests.processes import eventually

SLEEP = shutil.which("sleep") or "/bin/sleep"


class Call(NamedTuple):
    """One invocation: what is given, and what must come of it; every pid stands as N, the directory as @."""

    words: str
    out: str = ""
    err: str = ""
    status: int = 0


class Daemons:
    """The daemons of one directory."""

    def __init__(self) -> None:
        # short: the path of a socket is at most a hundred bytes long
        self.directory = Path(tempfile.mkdtemp(prefix="svc"))

    def run(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run one command line and wait for it."""
        command = [sys.executable, "-m", "pydfly", "svc", "-p", str(self.directory), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=200, **options)  # type: ignore[call-overload,no-any-return]

    def start(self, *words: str, **options: object) -> subprocess.Popen[str]:
        """Run one command line and do not wait for it."""
        command = [sys.executable, "-m", "pydfly", "svc", "-p", str(self.directory), *words]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.Popen(command, text=True, **options)  # type: ignore[call-overload,no-any-return]

    def init(self, *words: str, **options: object) -> int:
        """Make a service, and return the pid of its daemon."""
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return int(done.stdout.split("\n")[1])

    def state(self, label: str) -> str:
        """Return the state of a service, in the tool's words."""
        return self.run("status", label).stdout[len(label.ljust(16)) :].strip()

    def status(self, label: str) -> dict[str, object]:
        """Return all that is known of a service."""
        import json

        (found,) = [one for one in json.loads(self.run("status", "--json", label).stdout) if one["name"] == label]
        return dict(found)

    def check(self, call: Call) -> None:
        """Run a call, and compare all of it."""
        done = self.run(*(word.replace("@", str(self.directory)) for word in split(call.words)))
        shown = Call(call.words, self._shown(done.stdout), self._shown(done.stderr), done.returncode)
        assert shown == call

    def connect(self, label: str) -> socket.socket:
        """Connect to a daemon as any program can."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(60)
        connection.connect(str(self.directory / f"service.{label}.sk"))
        return connection

    def ask(self, label: str, line: bytes) -> bytes:
        """Send raw bytes, and return the answer up to its end."""
        with self.connect(label) as connection:
            connection.sendall(line)
            return answer(connection)

    def end(self) -> None:
        """End every daemon, and remove the directory."""
        for path in self.directory.glob("service.*.pid"):
            pid = path.read_text().strip()
            if pid:
                try:
                    os.kill(int(pid), signal.SIGCONT)
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                eventually(lambda pid=pid: not running(int(pid)))
        shutil.rmtree(self.directory)

    def _shown(self, text: str) -> str:
        text = text.replace(str(self.directory), "@")
        text = re.sub(r"(svc \S+: Waiting for service to stop\n)\1+", r"\1", text)  # told once a second
        return re.sub(r"(?<=pid )\d+|(?<=child )\d+|^\d+$", "N", text, flags=re.MULTILINE)


def split(words: str) -> list[str]:
    """Divide at blanks; ~ stands for one in a word, ^ for a newline, '' for an empty word."""
    return [word.replace("~", " ").replace("^", "\n").replace("''", "") for word in words.split()]


def answer(connection: socket.socket) -> bytes:
    """Read one answer, without its last line, and nothing of the next."""
    data = b""
    while not (data == b".\n" or data.endswith(b"\n.\n")):
        piece = connection.recv(65536, socket.MSG_PEEK)
        if not piece:
            return data
        while piece:  # up to the next newline at most
            end = piece.find(b"\n") + 1 or len(piece)
            data += connection.recv(end)
            piece = piece[end:]
            if data == b".\n" or data.endswith(b"\n.\n"):
                break
    return data[:-2]


running = onlooker.alive
