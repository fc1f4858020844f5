"""Processes of a simulated kernel: the machine under a simulated world.  The same commands as real workers take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..backends.simulated import process as simulated
from ..simkernel.scenarios import BEFORE_THE_FIRST
from . import api
from .programs import Programs
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..backends.protocol import Backend
    from ..simkernel import Kernel, Process


class Modelled:
    """The processes of simulated kernels, a new one for each history."""

    live: Literal[False] = False
    has_root = True
    kernel: Kernel
    keeper: int

    def __init__(self, make: Callable[[], Backend], backend: Backend) -> None:
        self._make = make
        self.backend = f"{backend.name}:{backend.flavour}"
        self._alive: set[int] = set()
        self._recorders: dict[int, Recorder] = {}
        self.programs = Programs(runnable=False)

    def first(self) -> int:
        """Begin a history: boot a kernel, and return the first process of it."""
        backend = self._make()
        assert isinstance(backend, simulated.Simulated)
        process = backend.process
        process.execve(BEFORE_THE_FIRST[backend.flavour])
        self.kernel = process.kernel
        self.keeper = self.kernel.init.pid
        self._alive = {self.keeper, process.pid}
        self._recorders = {}
        return process.pid

    def ask(self, pid: int, command: str, *arguments: Any) -> Any:
        """Have a process do something; AttributeError for what modelled processes cannot do."""
        process = self.kernel.process(pid)
        if command == "call":
            recorder = self._recorders.setdefault(pid, Recorder(simulated.of(process)))
            return api.call(recorder, *arguments)
        answer = COMMANDS[command](process, *arguments)
        if command == "fork":
            self._alive.add(answer)
        return answer

    def exit(self, pid: int, status: int) -> None:
        """Have a process exit."""
        self.kernel.process(pid).exit(status)

    def settle(self) -> list[int]:
        """Return who died since the last time."""
        now = {process.pid for process in self.kernel.processes() if process.alive}
        died, self._alive = sorted(self._alive - now), now
        return died

    def parent_of(self, pid: int) -> int | None:
        """Return the parent of a zombie, or None: it is gone."""
        process = self.kernel.find(pid)
        return None if process is None else process.ppid

    def close(self) -> None:
        """Nothing is left of a simulated world."""
        self.programs.remove()

    def signal(self, name: str) -> int:
        """Return a signal's number."""
        return int(self.kernel.constants.Signal[name])

    def signal_name(self, number: int) -> str:
        """Return a signal's name."""
        return _name(self.kernel, number)

    @staticmethod
    def describe() -> str:
        """Say what stands behind this machine."""
        return "modelled processes"


def _name(kernel: Kernel, number: int) -> str:
    names = kernel.constants.Signal
    return names(number).name if number in set(names) else f"signal {number}"


def _look(process: Process) -> tuple[int, list[str], int]:
    return process.ppid, sorted(_name(process.kernel, number) for number in process.pending), process.deathsig


def _peek(process: Process, pid: int) -> str:
    child = process.kernel.find(pid)
    if child is None or child.parent is not process:
        return "foreign"
    return "alive" if child.alive else "zombie"


COMMANDS: dict[str, Callable[..., Any]] = {
    "catch_sigchld": lambda process, catch: process.catch_sigchld(catch),
    "execute": lambda process: process.execve(process.text.path),
    "fork": lambda process: process.fork().pid,
    "ignore_sigchld": lambda process, ignore: process.ignore_sigchld(ignore),
    "kill": lambda process, pid, number: process.kill(pid, number),
    "look": _look,
    "peek": _peek,
    "setuid": lambda process, uid: process.setuid(uid),
    "wait": lambda process, pid: process.wait(pid, nohang=True),
}
"""What a modelled process can be told."""
