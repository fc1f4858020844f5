"""The stage of the checks: processes with names, real or modelled, and what a check can have them do.

The same check runs on every backend because it speaks to Actors only.  Below them is a machine: ``Live`` conducts
real processes, ``Modelled`` those of a simulated kernel; both take the same commands.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from .. import constants
from ..errors import SyscallError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..backends.protocol import Backend
    from .live import Live
    from .modelled import Modelled
    from .trace import Trace

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
        outside: the process above everything, which stands for init: it adopts whom nobody else does.
        first: its child, with which a history begins.
        numbers: the constants of the flavour.
    """

    def __init__(self, machine: Live | Modelled, trace: Trace | None = None) -> None:
        self.machine = machine
        self.live = machine.live
        self.backend = machine.backend
        self.flavour = self.backend.partition(":")[2]
        self.numbers = constants.of(self.flavour)
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
        """Wait until every death that has begun is complete; return who has died."""
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


def machine(make: Callable[[], Backend]) -> Live | Modelled:
    """Make the machine for a backend: real processes for a live one."""
    backend = make()
    if backend.live:
        from .live import Live

        return Live(make, backend)
    from .modelled import Modelled

    return Modelled(make, backend)


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

    def _ask(self, command: str, *arguments: Any) -> Any:
        return self.world.machine.ask(self.pid, command, *arguments)

    def _note(self, op: str, died: list[Actor] | None = None, **fields: object) -> None:
        if self.world.trace is not None:
            self.world.trace.note(self, op, fields, died or [])

    def fork(self, name: str) -> Actor:
        """Fork a child with a name."""
        child = Actor(self.world, self._ask("fork"), name)
        self._note("fork", child=child)
        return child

    def exit(self, status: int = 0) -> None:
        """Exit, and let everything come of it that comes of it."""
        self.world.machine.exit(self.pid, status)
        self._note("exit", self.world.settle(), status=status)

    def execute(self) -> None:
        """Execute a program (without set-id bits)."""
        self._ask("execute")
        self._note("exec")

    def wait(self, child: Actor | None = None) -> tuple[str, str] | None:
        """Wait without blocking; return the name of who died and how, or None.

        Raises:
            ChildProcessError: no such child.
        """
        target = -1 if child is None else child.pid
        try:
            waited = self._ask("wait", target)
        except OSError as error:
            self._note("wait", target=child, result=error)
            raise
        self._note("wait", target=child, result=waited)
        return waited and (self.world.who(waited[0]), self._how(waited[1]))

    def _how(self, status: int) -> str:
        number = status & 0x7F
        return self.world.machine.signal_name(number) if number else f"exit {status >> 8}"

    def kill(self, target: Actor, signal: str) -> None:
        """Send a signal, by its name; "0" only asks.

        Raises:
            OSError: the kernel's refusal.
        """
        number = 0 if signal == "0" else self.world.signal(signal)
        try:
            self._ask("kill", target.pid, number)
        except OSError as error:
            self._note("kill", target=target, signal=number, result=error)
            raise
        except EOFError:  # it killed itself
            pass
        self._note("kill", self.world.settle(), target=target, signal=number, result=None)

    def setuid(self, uid: int) -> None:
        """Set the user ids."""
        self._ask("setuid", uid)
        self._note("setuid", uid=uid)

    def ignore_sigchld(self, ignore: bool = True) -> None:
        """Set the disposition of SIGCHLD to SIG_IGN or SIG_DFL."""
        self._ask("ignore_sigchld", ignore)
        self._note("sigchld_ignore", value=ignore)

    def catch_sigchld(self, catch: bool = True) -> None:
        """Give SIGCHLD a handler, or the default again: it shows up as pending then."""
        self._ask("catch_sigchld", catch)
        self._note("sigchld_catch", value=catch)

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call the public API by its name: ``"reaper.acquire"``.

        Raises:
            Exception: what the call raised.
        """
        answer = self._ask("call", name, arguments, keywords)
        died = self.world.settle()
        if self.world.trace is not None:
            self.world.trace.note_calls(self, answer.calls, died)
        if answer.error is not None:
            raise answer.error
        return answer.value

    def warned(self, name: str, *arguments: Any, **keywords: Any) -> list[str]:
        """Call the public API, and return the names of the classes of its warnings."""
        warned: list[str] = self._ask("call", name, arguments, keywords).warned
        return warned

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
        seen: tuple[int, list[str], int] = self._ask("look")
        return seen


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
