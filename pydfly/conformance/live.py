"""Real processes, conducted over sockets: the machine under a live world.

A keeper, a reaper of its own, stands for init: every process of the world is a descendant of it, and what loses
its parent comes to it.  It is a fresh interpreter, so that nothing of the calling program is in there.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any, Literal

from .. import constants
from ..backends.protocol import Backend
from ..simkernel.scenarios.player import Got, Op, Steps
from . import channel
from .programs import Programs
from .worker import command_line

_NUMBERS = {int(member) for member in signal.Signals}
NO_PID = 4_194_000
"""Stands for no process: above the pids that are given out soon, and below the largest one."""
PATIENCE = 20.0
"""Seconds after which a process that does not answer is an error."""


class Live:
    """The processes of live worlds, one world after the other.

    Attributes:
        steps: what each operation of a scenario does: ``real_operations.STEPS``.
        changed_ids: numbers of the processes that have the set-id mark.
        deathsigs: the parent-death signals seen last, by pid; a zombie cannot be asked.
    """

    live: Literal[True] = True

    def __init__(self, make: Callable[[], Backend], backend: Backend, steps: Steps) -> None:
        self.backend = f"{backend.name}:{backend.flavour}"
        self.flavour = backend.flavour
        self.numbers = constants.of(backend.flavour)
        self.steps = steps
        self.pids: list[int] = []
        self.changed_ids: set[int] = set()
        self.deathsigs: dict[int, int] = {}
        self._died: list[int] = []
        self.has_root = os.geteuid() == 0
        self._channels: dict[int, socket.socket] = {}
        self._made = pickle.dumps(make)
        self.programs = Programs(runnable=backend.name == "native")
        self._processes = backend.processes
        self._kernel_lists = backend.name == "native"
        self._private = backend.name == "linux"  # the resident registry is ours alone
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        self._program = subprocess.Popen(
            command_line(descriptor, self._made),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYDFLY_STATE_DIR": os.path.join(self.programs.directory, "registry")},
        )
        theirs.close()
        ours.settimeout(PATIENCE)
        self.keeper = self._program.pid
        self._channels[self.keeper] = ours
        try:
            self._answer(self.keeper)
            self._acquire()
        except BaseException:
            self.close()
            raise

    def _acquire(self) -> None:
        error = self.ask(self.keeper, "call", "reaper.acquire", (), {}).error
        if error is not None:
            raise error

    def ask(self, pid: int, command: str, *arguments: Any) -> Any:
        """Have a process do something, and return what came of it.

        EOFError: it died instead.  OSError: what the system call raised.
        """
        descriptor = None
        if command == "fork":
            ours, theirs = socket.socketpair()
            ours.settimeout(PATIENCE)
            descriptor = theirs.fileno()
        try:
            channel.send(self._channels[pid], (command, arguments), descriptor)
        except ConnectionError:
            raise EOFError(f"process {pid} is gone") from None
        answer = self._answer(pid)
        if command == "fork":
            theirs.close()
            self._channels[answer] = ours
        return answer

    def _answer(self, pid: int) -> Any:
        (value, error), _ = channel.receive(self._channels[pid])
        if error is not None:
            raise error
        return value

    def first(self) -> int:
        """Begin a history: the keeper and its first child, no other process."""
        self.clear()
        self._empty_registry()
        child: int = self.ask(self.keeper, "fork")
        self.pids = [self.keeper, child]
        self.changed_ids, self.deathsigs, self._died = set(), {}, []
        return child

    def pid(self, number: int) -> int:
        """Return the pid of a process by its number in a scenario."""
        if number <= 0:
            return number
        return self.pids[number - 1] if number <= len(self.pids) else NO_PID

    def perform(self, op: Op) -> Got:
        """Do an operation of a scenario, and return what came of it."""
        return self.steps[op["op"]](self, op)

    def _empty_registry(self) -> None:
        """Remove what a history made resident: everything from a registry of our own, our programs from a system's."""
        if self._private:
            self.ask(self.keeper, "call", "resident.unregister_all", (), {})
        elif self.backend.endswith("dragonfly"):
            for entry in self.ask(self.keeper, "call", "resident.entries", (), {}).value or ():
                if entry.path.startswith(self.programs.directory):
                    self.ask(self.keeper, "call", "resident.unregister_program", (entry.path,), {})

    def settle(self) -> list[int]:
        """Wait until every death that has begun is complete; return the pids of those that died since the last time."""
        self.await_deaths()
        died, self._died = self._died, []
        return died

    def await_deaths(self) -> None:
        """Wait until every death that has begun is complete."""
        while dead := [pid for pid in self._channels if not self._answers(pid)]:
            for pid in dead:
                self._channels.pop(pid).close()
            for pid in dead:
                self._await_zombie(pid)
            self._died += dead

    def alive(self, pid: int) -> bool:
        """Say whether a process of this history has not died."""
        return pid in self._channels

    def look(self, pid: int) -> tuple[int, list[str], int]:
        """Return the pid of its parent, the names of the signals that wait for it, and its parent-death signal."""
        seen: tuple[int, list[str], int] = self.ask(pid, "look")
        return seen

    def _answers(self, pid: int) -> bool:
        try:
            self.ask(pid, "answer")
        except EOFError:
            return False
        return True

    def _await_zombie(self, pid: int) -> None:
        """A socket closes early in an exit; the family is told later, before the zombie shows to its parent."""
        end = time.monotonic() + PATIENCE
        while any(self._peek(other, pid) == "alive" for other in list(self._channels)):
            if time.monotonic() > end:
                raise TimeoutError(f"process {pid} does not finish dying")
            time.sleep(0.0002)

    def _peek(self, other: int, pid: int) -> str:
        try:
            seen: str = self.ask(other, "peek", pid)
        except EOFError:
            return "foreign"
        return seen

    def parent_of(self, pid: int) -> int | None:
        """Return the parent of a zombie, or None: it is gone.

        A parent that lives is asked by wait.  FreeBSD leaves children with a dead reaper until that is waited for
        (LC-1): such a parent can be told by the kernel's list of processes only.
        """
        waiting = (other for other in self._channels if self._peek(other, pid) == "zombie")
        listed = self._processes.everyone() if self._kernel_lists else ()
        return next(waiting, None) or next((process.ppid for process in listed if process.pid == pid), None)

    def clear(self) -> None:
        """End every process of the world but the keeper."""
        for pid in [pid for pid in self._channels if pid != self.keeper]:
            self._channels.pop(pid).close()
        self.ask(self.keeper, "end")

    def close(self) -> None:
        """End the world."""
        try:
            if self._program.poll() is None:
                self.clear()
                self._empty_registry()
        except EOFError:
            pass
        finally:
            self.programs.remove()
            for each in self._channels.values():
                each.close()
            try:
                self._program.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._program.kill()
                self._program.wait()

    @staticmethod
    def signal(name: str) -> int:
        """Return a signal's number."""
        return int(signal.Signals[name])

    @staticmethod
    def signal_name(number: int) -> str:
        """Return a signal's name."""
        return signal.Signals(number).name if number in _NUMBERS else f"signal {number}"
