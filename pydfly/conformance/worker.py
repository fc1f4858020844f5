"""A process of a live world: it does what it is told over its socket, one command at a time, and nothing else.

It blocks every signal that can be blocked, so that what arrives stays visible as pending.  When the socket closes,
because the conducting program is gone, it exits.  Only POSIX and the package's own API are used here, so that this runs
on every system.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from ..backends.protocol import Backend
from ..backends.waiting import look_at
from ..ending import warden_domain
from ..ending.last_resort import kill_until_gone
from . import channel
from .recorder import Answer, Recorder, call_api

# a blocked signal whose default action is to ignore it leaves no trace on the BSDs; Linux keeps it pending
UNSEEN = {"SIGCHLD", "SIGURG", "SIGWINCH", "SIGINFO"}


def command_line(descriptor: int, made: bytes) -> list[str]:
    """Return the command line of a worker that talks over a descriptor; ``made``: the pickled maker of its backend."""
    path = [entry or os.getcwd() for entry in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from pydfly.conformance.worker import main; main()"
    return [sys.executable, "-I", "-W", "ignore", "-c", code, str(descriptor), made.hex()]


def main() -> None:
    """Begin as a program: ``command_line`` says how."""
    descriptor, made = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
    os.set_inheritable(descriptor, False)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    worker = Worker(socket.socket(socket.AF_UNIX, fileno=descriptor), made)
    channel.send(worker.channel, (os.getpid(), None))
    worker.serve()


class Worker:
    """This process."""

    def __init__(self, own: socket.socket, made: bytes) -> None:
        make: Callable[[], Backend] = pickle.loads(made)  # noqa: S301  from the process that started us
        self.channel = own
        self.made = made
        self.recorder = Recorder(make())
        self.descriptor: int | None = None

    def serve(self) -> None:
        """Do what is asked until the socket closes."""
        while True:
            try:
                (command, arguments), self.descriptor = channel.receive(self.channel)
                answer = getattr(self, command)(*arguments)  # from the program that started us
            except EOFError:
                os._exit(0)
            except OSError as error:
                channel.send(self.channel, (None, error))
            else:
                if answer is not self:  # a forked child does not answer
                    channel.send(self.channel, (answer, None))

    def call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Answer:
        """Call the public API."""
        return call_api(self.recorder, name, arguments, keywords)

    def fork(self) -> object:
        """Fork; the child listens at the descriptor that came with the command."""
        assert self.descriptor is not None
        pid = os.fork()
        if pid:
            os.close(self.descriptor)
            return pid
        self.channel.close()
        self.channel = socket.socket(socket.AF_UNIX, fileno=self.descriptor)
        return self

    def exit(self, status: int) -> None:
        """Exit without Python's shutdown."""
        os._exit(status)

    def execute(self) -> None:
        """Execute this program again: another image, the same process."""
        os.set_inheritable(self.channel.fileno(), True)
        words = command_line(self.channel.fileno(), self.made)
        os.execv(words[0], words)  # noqa: S606

    def wait(self, pid: int) -> tuple[int, int] | None:
        """wait4() with WNOHANG."""
        found, status = os.waitpid(pid, os.WNOHANG)
        return (found, status) if found else None

    def peek(self, pid: int) -> str:
        """Say of a child whether it is ``alive`` or ``zombie``; ``foreign``: it is no child."""
        return {None: "foreign", False: "alive", True: "zombie"}[look_at(pid)]

    def kill(self, pid: int, number: int) -> None:
        """kill()."""
        os.kill(pid, number)

    def setuid(self, uid: int) -> None:
        """setuid()."""
        os.setuid(uid)

    def ignore_sigchld(self, ignore: bool) -> None:
        """Set the disposition of SIGCHLD to SIG_IGN or SIG_DFL."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN if ignore else signal.SIG_DFL)

    def catch_sigchld(self, catch: bool) -> None:
        """Give SIGCHLD a handler; it is blocked, so it shows up as pending."""
        signal.signal(signal.SIGCHLD, (lambda number, frame: None) if catch else signal.SIG_DFL)

    def look(self) -> tuple[int, list[str], int]:
        """Return the parent, the pending signals and the parent-death signal."""
        names = [signal.Signals(number).name for number in signal.sigpending() if number in _NAMED]
        deathsig: int = call_api(self.recorder, "pdeathsig.get", (), {}).value
        ignored = {name for name in UNSEEN if name in names and not callable(signal.getsignal(signal.Signals[name]))}
        return os.getppid(), sorted(set(names) - ignored), deathsig

    def answer(self) -> None:
        """Answer, which shows that this process lives."""

    def end(self) -> None:
        """Kill and wait for every child until there is none: only ECHILD proves that all are gone."""
        children = warden_domain.listing()
        try:
            refused = kill_until_gone(children)
        finally:
            for descriptor in children.descriptors:
                os.close(descriptor)
        if refused:
            raise TimeoutError(f"these processes refuse to be killed: {refused}")


_NAMED = {int(member) for member in signal.Signals}
