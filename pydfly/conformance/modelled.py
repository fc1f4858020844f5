"""Processes of a simulated kernel: the machine under a simulated world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from .. import constants
from ..backends.protocol import Backend
from ..backends.simulated import Simulated, of
from ..simkernel import Kernel, scenarios
from ..simkernel.scenarios.operations import Model
from ..simkernel.scenarios.player import Got, Op
from .programs import Programs
from .recorder import Answer, Recorder, call_api


class Modelled:
    """The processes of simulated kernels, a new one for each history."""

    live: Literal[False] = False
    has_root = True
    model: Model
    keeper: int

    def __init__(self, make: Callable[[], Backend], backend: Backend) -> None:
        self._make = make
        self.backend = f"{backend.name}:{backend.flavour}"
        self.flavour = backend.flavour
        self.numbers = constants.of(backend.flavour)
        self.pids: list[int] = []
        self._alive: set[int] = set()
        self._recorders: dict[int, Recorder] = {}
        self.programs = Programs(runnable=False)

    @property
    def kernel(self) -> Kernel:
        """The present kernel."""
        return self.model.kernel

    def first(self) -> int:
        """Begin a history: boot a kernel, and return the first process of it."""
        backend = self._make()
        assert isinstance(backend, Simulated)
        process = backend.process
        process.execve(scenarios.FIRST_PROGRAM[backend.flavour])
        self.model = scenarios.model(process.kernel)
        self.keeper = self.kernel.init.pid
        self.pids = [self.keeper, process.pid]
        self._alive = set(self.pids)
        self._recorders = {}
        return process.pid

    def perform(self, op: Op) -> Got:
        """Do an operation of a scenario, and return what came of it."""
        got = self.model.steps[op["op"]](self.model, op)
        if op["op"] == "fork":
            self.pids.append(got["child"])
            self._alive.add(got["child"])
        return got

    def ask(self, pid: int, command: Literal["call"], *arguments: Any) -> Answer:
        """Have a process call the public API: the name, arguments and keywords."""
        recorder = self._recorders.setdefault(pid, Recorder(of(self.kernel.process(pid))))
        return call_api(recorder, *arguments)

    def look(self, pid: int) -> tuple[int, list[str], int]:
        """Return the pid of its parent, the names of the signals that wait for it, and its parent-death signal."""
        process = self.kernel.process(pid)
        return process.ppid, sorted(self.signal_name(number) for number in process.pending), process.deathsig

    def settle(self) -> list[int]:
        """Return the pids of those that died since the last time."""
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
        return int(self.numbers.Signal[name])

    def signal_name(self, number: int) -> str:
        """Return a signal's name."""
        names = self.numbers.Signal
        return names(number).name if number in set(names) else f"signal {number}"
