"""Errors planted in the Linux backend: makers of backends that are each wrong in one way.

They are called in the processes of a live world, which they poison for good, and in the test's own: ``undo`` cures it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydfly.backends.linux import prctl
from pydfly.backends.linux.deathsig import DeathSignal
from pydfly.backends.linux.dragonfly import Linux
from pydfly.backends.linux.process import OwnProcess
from pydfly.backends.protocol import Backend

_originals: list[tuple[Any, str, Any]] = []


def _patched(owner: Any, name: str, replacement: Any) -> Backend:
    _originals.append((owner, name, getattr(owner, name)))
    setattr(owner, name, replacement)
    return Linux(None, None)


def undo() -> None:
    """Take every error out of this process again."""
    while _originals:
        setattr(*_originals.pop())


def acquires_twice() -> Backend:
    """The second ACQUIRE is no error."""
    original = OwnProcess.acquire
    return _patched(OwnProcess, "acquire", lambda self: original(self) or True)


def keeps_the_attribute() -> Backend:
    """RELEASE forgets to tell the kernel."""

    def release(self: OwnProcess) -> bool:
        return bool(prctl.is_subreaper())

    return _patched(OwnProcess, "release", release)


def counts_zombies() -> Backend:
    """Refs has the dead members in it."""
    original = Linux._status

    def status(self: Linux, data: Any) -> Any:
        answer = original(self, data)
        if answer is None or not answer.flags:
            return answer
        return answer._replace(refs=len(self.processes.descendants()))

    return _patched(Linux, "_status", status)


def cannot_clear() -> Backend:
    """A parent-death signal of 0 is taken for "leave it"."""
    original = DeathSignal.set
    return _patched(DeathSignal, "set", lambda self, signal: original(self, signal) if signal else None)


def names_the_oldest() -> Backend:
    """The head of the children is taken from the wrong end."""
    original = Linux._status

    def status(self: Linux, data: Any) -> Any:
        answer = original(self, data)
        return answer and answer._replace(pid_head=min(self.processes.children(), default=-1))

    return _patched(Linux, "_status", status)


def children_own_too() -> Backend:
    """Being a reaper is remembered, and a forked child remembers it as well."""
    acquire, release = OwnProcess.acquire, OwnProcess.release
    _patched(OwnProcess, "is_reaper", lambda self: getattr(self, "remembered", False))

    def acquiring(self: OwnProcess) -> bool:
        done = acquire(self)
        self.remembered = True  # type: ignore[attr-defined]
        return done

    def releasing(self: OwnProcess) -> bool:
        self.remembered = False  # type: ignore[attr-defined]
        return release(self)

    _patched(OwnProcess, "acquire", acquiring)
    return _patched(OwnProcess, "release", releasing)


PLANTED: list[Callable[[], Backend]] = [
    acquires_twice,
    keeps_the_attribute,
    counts_zombies,
    cannot_clear,
    names_the_oldest,
    children_own_too,
]
