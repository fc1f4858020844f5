"""What an owner knows of its warden: messages in, requests out.  Nobody waits here; see owner.py and pydfly.aio.

Nothing of the calling process is changed: no signal handler, no wait for any child but the guard, no code in a
forked copy of it.  The handle is a socket; its end, however it comes, ends the domain.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from signal import SIGCONT

from ..ending.policy import plan
from ..errors import SurvivorsError
from ..structs import DescendantInfo
from . import report as reports
from .line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from .launch import Launch
    from .report import Report, Step
    from .wire import Message

    Spare = Callable[[DescendantInfo], object]

_handles: weakref.WeakSet[Handle] = weakref.WeakSet()
_unwaited: set[int] = set()  # guards whose handle was dropped


class Handle:
    """One warden, as its owner sees it.  A forked copy of the owner owns nothing: every method raises there."""

    stdin: IO[bytes] | None = None
    """The other end of a pipe to the command, if one was asked for."""
    stdout: IO[bytes] | None = None
    """The other end of a pipe from the command, if one was asked for."""
    stderr: IO[bytes] | None = None
    """The other end of a pipe from the command, if one was asked for."""

    def __init__(self, launch: Launch, guard: int, descriptor: int, spare: Spare | None) -> None:
        self._launch = launch
        self._guard: int | None = guard
        self._line = Line(descriptor)
        self._spare = spare
        self._owner = os.getpid()
        self._pid: int | None = None
        self._exited: int | None = None
        self._answers: dict[int, list[DescendantInfo]] = {}
        self._questions = 0
        self._failure: BaseException | None = None
        self._report: Report | None = None
        self._told = False  # whether stop() or wait() has said how it ended
        os.set_blocking(descriptor, False)
        self._line.send(("launch", launch.fields()))
        self.control = -1
        _handles.add(self)

    def __del__(self) -> None:
        if os.getpid() == getattr(self, "_owner", None):
            self.close()
            if self._guard is not None:
                _unwaited.add(self._guard)

    def __repr__(self) -> str:
        state = "over" if self._over() else "running" if self._pid else "starting"
        return f"<pydfly.Supervised {self._launch.command[0]!r} {state}>"

    def fileno(self) -> int:
        """Return a descriptor that is readable when something has happened: call any method then.

        It is closed when everything is over; do not read from it.
        """
        return self._line.descriptor

    @property
    def exit_status(self) -> int | None:
        """Exit status of the command, negative for the signal that ended it; None while it runs."""
        self._receive()
        return None if self._exited is None else os.waitstatus_to_exitcode(self._exited)

    @property
    def report(self) -> Report:
        """How everything ended.

        Raises:
            RuntimeError: it has not, or the warden was killed and took its knowledge with it.
        """
        self._receive()
        if self._report is None:
            raise RuntimeError("there is no report: " + ("the warden was killed" if self._over() else "not over yet"))
        return self._report

    def close(self) -> None:
        """Let go of the lifeline: the domain is ended, but nobody waits for that."""
        if self._line.descriptor >= 0:
            os.close(self._line.descriptor)
            self._line.descriptor = -1
            os.close(self.control)
        self._line.closed = True

    def _close_files(self) -> None:
        """Close the pipes to and from the command, as the end of a ``with`` block does for Popen."""
        for file in (self.stdin, self.stdout, self.stderr):
            if file is not None:
                with contextlib.suppress(BrokenPipeError):  # what is unwritten has no reader any more
                    file.close()

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise RuntimeError("this process is a forked copy of the owner: only the owner can use its handle")

    def _over(self) -> bool:
        return self._report is not None or self._line.closed

    def _receive(self) -> None:
        """Take the messages that have come."""
        self._check_owner()
        if self._line.descriptor >= 0:
            for message in self._line.receive():
                self._take(message)
            self._line.send()

    def _take(self, message: Message) -> None:
        name, *values = message
        if name == "started":
            self._pid = values[0]
        elif name == "failed":
            _, number, text, path = values[0]
            self._failure = OSError(number, text, path)
        elif name == "exited":
            self._exited = values[0]
        elif name == "done" and values[1] is not None:
            self._answers[values[0]] = [DescendantInfo(*fields) for fields in values[1]]
        elif name == "ask":
            chosen = self._choose([DescendantInfo(*fields) for fields in values[1]])
            self._line.send(("spare", values[0], chosen))
        elif name == "ended":
            self._report = reports.read(values[0])

    def _choose(self, members: list[DescendantInfo]) -> list[int]:
        """Ask the predicate; one that raises spares nobody, and the end of the ``with`` block raises its exception."""
        assert self._spare
        try:
            return [member.pid for member in members if self._spare(member)]
        except Exception as error:
            self._failure = error
            return []

    def _ask_processes(self) -> int:
        self._questions += 1
        self._line.send(("processes", self._questions))
        return self._questions

    def _plan(self, members: list[DescendantInfo]) -> list[Step]:
        spared: set[int] = set()
        for member in members:  # parents come first
            if member.ppid in spared or (self._spare and self._spare(member)):
                spared.add(member.pid)
        return plan([member for member in members if member.pid not in spared], self._launch.grace)

    def _raise_failure(self) -> None:
        """Raise what has gone wrong, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _started(self) -> int:
        self._raise_failure()
        if self._pid is None:
            raise RuntimeError("the command was not started")
        return self._pid

    def _check_survivors(self) -> None:
        self._told = True
        if self._report is not None and self._report.survivors:
            raise SurvivorsError(self._report.survivors)

    def _collect_guard(self, block: bool = False) -> bool:
        """Collect the guard, which ends right after the warden; after a killed warden it has an ending to do first."""
        if self._guard is None:
            return True
        try:
            if self._report is None:
                os.kill(self._guard, SIGCONT)  # an unreaped child, and somebody may have stopped it
            ended = os.waitpid(self._guard, 0 if block else os.WNOHANG)[0] != 0
        except (ChildProcessError, ProcessLookupError):  # somebody else's waitpid(-1) has taken it
            ended = True
        if ended:
            self._guard = None
        return ended


def collect_unwaited() -> None:
    """Collect guards whose handles were dropped."""
    for pid in list(_unwaited):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            ended = True
        if ended:
            _unwaited.discard(pid)


def _forget() -> None:
    """A forked copy of the caller must not hold the lifeline, or the caller's death would go unnoticed."""
    for handle in list(_handles):
        handle.close()
    _unwaited.clear()


os.register_at_fork(after_in_child=_forget)
