"""The stage of the checks: processes with names, real or modelled, and what a check can have them do.

The same check runs on every backend because it speaks to Actors only.  What they do are the operations of a scenario,
done by a machine: ``Live`` conducts real processes, ``Modelled`` those of a simulated kernel.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from ..errors import SyscallError, refusal
from ..simkernel.scenarios import FIRST_PROGRAM
from ..simkernel.scenarios.player import Got
from .modelled import Modelled
from .trace import Machine, Trace, number_of

NOBODY = "nobody"
OUTSIDE = "outside"


class NotHereError(Exception):
    """This machine cannot show what the check is about; the text says why."""


class World:
    """A small family of processes on one backend.

    Attributes:
        flavour: ``dragonfly`` or ``freebsd``.
        backend: ``NAME:FLAVOUR``.
        live: the processes are real.
        outside: the process above everything, which stands for init: it adopts what no other process does.
        first: its child, with which a history begins.
        numbers: the constants of the flavour.
    """

    def __init__(self, machine: Machine, trace: Trace | None = None) -> None:
        self.machine = machine
        self.live = machine.live
        self.backend = machine.backend
        self.flavour = machine.flavour
        self.numbers = machine.numbers
        self.actors: dict[int, Actor] = {}
        self.trace = trace
        first = machine.first()
        self.outside = Actor(self, machine.keeper, OUTSIDE)
        self.first = Actor(self, first, "first")

    def who(self, pid: int | None) -> str:
        """Return the name of the process with this pid; ``nobody`` for none."""
        if pid is None or pid == -1:
            return NOBODY
        actor = self.actors.get(pid)
        return "somebody else" if actor is None else actor.name

    def signal(self, name: str) -> int:
        """Return a signal's number on this machine."""
        return self.machine.signal(name)

    def settle(self) -> list[Actor]:
        """Wait until every death that has begun is complete; return the actors that have died."""
        died = [self.actors[pid] for pid in self.machine.settle()]
        for actor in died:
            actor.alive = False
        return died

    def need_root(self) -> None:
        """End the check where the caller may not change user ids."""
        if not self.machine.has_root:
            raise NotHereError("needs root")

    def program(self, name: str) -> str:
        """Write a new program that can be made resident, and return its path."""
        path = self.machine.programs.program(name)
        if path is None:
            raise NotHereError("no program of this system is one that resident(8) accepts")
        return path

    def need_own_registry(self) -> None:
        """End the check where other people's programs are resident, or the caller may not change that."""
        entries = outcome(self.first.call, "resident.entries")
        if entries == "EPERM":
            raise NotHereError("needs root")
        if entries:
            raise NotHereError("programs are resident on this machine already")

    def need_harmless_python(self) -> None:
        """End the check where registering the interpreter would break every python of the machine."""
        if self.backend.startswith("native"):
            raise NotHereError("would make every python of this machine unusable")

    def need_model(self, why: str) -> Modelled:
        """Return the machine of modelled processes; end the check where they are real."""
        if self.machine.live:
            raise NotHereError(why)
        return self.machine


class Actor:
    """One process."""

    def __init__(self, world: World, pid: int, name: str) -> None:
        self.world = world
        self.pid = pid
        self.name = name
        self.alive = True
        world.actors[pid] = self

    def __repr__(self) -> str:
        return f"<{self.name}, process {self.pid}>"

    def _perform(self, kind: str, **fields: object) -> Got:
        """Do an operation, and write it down with what came of it."""
        world, machine = self.world, self.world.machine
        op = {"op": kind, "pid": number_of(machine, self.pid), **fields}
        got = machine.perform(op)
        died = world.settle() if kind in ("exit", "kill") else []
        if world.trace is not None:
            world.trace.note(machine, {**op, **got}, [actor.pid for actor in died])
        return got

    def fork(self, name: str) -> Actor:
        """Fork a child with a name."""
        child = self._perform("fork")["child"]
        return Actor(self.world, self.world.machine.pids[child - 1], name)

    def exit(self, status: int = 0) -> None:
        """Exit, and wait until everything that follows has happened."""
        self._perform("exit", status=status)

    def execute(self) -> None:
        """Execute a program (without set-id bits)."""
        self._perform("exec", path=FIRST_PROGRAM[self.world.flavour], suid=False)

    def wait(self, child: Actor | None = None) -> tuple[str, str] | None:
        """Wait without blocking; return which process died and how, or None; ChildProcessError: no such child."""
        target = -1 if child is None else number_of(self.world.machine, child.pid)
        waited = self._perform("wait", target=target)["result"]
        if isinstance(waited, dict):
            raise refusal("wait4", waited["errno"])
        return waited and (self.world.who(self.world.machine.pids[waited[0] - 1]), self._how(waited[1]))

    def _how(self, status: int) -> str:
        number, names = status & 0x7F, self.world.numbers.Signal
        if number:
            return str(names(number).name) if number in set(names) else f"signal {number}"
        return f"exit {status >> 8}"

    def kill(self, target: Actor, signal: str) -> None:
        """Send a signal, by its name; "0" only asks; OSError: the kernel's refusal."""
        number = 0 if signal == "0" else int(self.world.numbers.Signal[signal])
        result = self._perform("kill", target=number_of(self.world.machine, target.pid), sig=number)["result"]
        if isinstance(result, dict):
            raise refusal("kill", result["errno"])

    def setuid(self, uid: int) -> None:
        """Set the user ids."""
        self._perform("setuid", uid=uid)

    def ignore_sigchld(self, ignore: bool = True) -> None:
        """Set the disposition of SIGCHLD to SIG_IGN or SIG_DFL."""
        self._perform("sigchld_ignore", value=ignore)

    def catch_sigchld(self, catch: bool = True) -> None:
        """Give SIGCHLD a handler, or the default again: it shows up as pending then."""
        self._perform("sigchld_catch", value=catch)

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call the public API by its name: ``"reaper.acquire"``; Exception: what the call raised."""
        world = self.world
        answer = world.machine.ask(self.pid, "call", name, arguments, keywords)
        died = world.settle()
        if world.trace is not None:
            world.trace.note_calls(world.machine, self.pid, answer.calls, [actor.pid for actor in died])
        if answer.error is not None:
            raise answer.error
        return answer.value

    def warned(self, name: str, *arguments: Any, **keywords: Any) -> list[str]:
        """Call the public API, and return the names of the classes of its warnings."""
        warned: list[str] = self.world.machine.ask(self.pid, "call", name, arguments, keywords).warned
        return warned

    def acquire(self) -> Actor:
        """Become a reaper, and return it."""
        self.call("reaper.acquire")
        return self

    def procctl(self, command: str, *data: Any) -> Any:
        """Call procctl on this process itself, with a command by its name."""
        return self.call("procctl", 0, self.pid, int(self.world.numbers.Command[command]), *data)

    @property
    def parent(self) -> str:
        """Name of the parent; ``nobody`` for a process that is gone."""
        return self.world.who(self.ppid)

    @property
    def ppid(self) -> int | None:
        """Pid of the parent, of a zombie too; None for a process that is gone."""
        if not self.alive:
            return self.world.machine.parent_of(self.pid)
        return self.look()[0]

    @property
    def pending(self) -> list[str]:
        """Names of the signals that wait for it."""
        return self.look()[1]

    def look(self) -> tuple[int, list[str], int]:
        """Return the pid of its parent, the names of the signals that wait for it, and its parent-death signal."""
        return self.world.machine.look(self.pid)


def outcome(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Return what a call returns, or the name of what it raised: of the errno, else of the class."""
    try:
        return call(*arguments, **keywords)
    except SyscallError as error:
        return error.errno_name
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:
        return type(error).__name__
