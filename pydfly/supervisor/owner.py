"""The caller's handle on a supervised command.

Nothing of the calling process is changed: no signal handler, no wait for any child but the guard, no code in a
forked copy of it.  The handle is a socket; its end, however it comes, ends the domain.
"""

from __future__ import annotations

import os
import select
import time
import weakref
from signal import SIGCONT
from threading import Condition

from ..ending.policy import plan
from ..errors import SurvivorsError
from ..structs import DescendantInfo
from . import report as reports
from .line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import IO

    from .launch import Launch
    from .report import Report, Step
    from .wire import Message

_handles: weakref.WeakSet[Supervised] = weakref.WeakSet()
_unwaited: set[int] = set()  # guards whose handle was dropped


class Supervised:
    """A command under a warden; made by ``supervise()``.

    May be used from several threads.  A forked copy of the caller owns nothing: every method raises there.
    """

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(
        self, launch: Launch, guard: int, descriptor: int, spare: Callable[[DescendantInfo], object] | None
    ) -> None:
        self._launch = launch
        self._guard: int | None = guard
        self._line = Line(descriptor)
        self._spare = spare
        self._owner = os.getpid()
        self._condition = Condition()
        self._reading = False
        self._pid: int | None = None
        self._exited: int | None = None
        self._answers: dict[int, list[DescendantInfo]] = {}
        self._questions = 0
        self._failure: BaseException | None = None
        self._raised = False
        self._report: Report | None = None
        os.set_blocking(descriptor, False)
        self._line.send(("launch", launch.fields(), self._owner))
        _handles.add(self)

    def __enter__(self) -> Supervised:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.getpid() == self._owner:
            self.stop()
            if kind is None and not self._raised:
                self._raise_failure()

    def __del__(self) -> None:
        if os.getpid() == getattr(self, "_owner", None):
            self._close()
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
    def pid(self) -> int:
        """Process id of the command; waits until it was executed, and raises as ``wait_started`` does."""
        return self.wait_started()

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

    def wait_started(self, timeout: float | None = None) -> int:
        """Wait until the command has been executed, and return its process id.

        Raises:
            FileNotFoundError: ENOENT, there is no such program or directory (``filename``).
            PermissionError: EACCES, it must not be executed.
            OSError: ENOEXEC and what else execve(2), fork(2) and chdir(2) give.
            TimeoutError: not within ``timeout`` seconds.
        """
        self._until(lambda: self._pid is not None, timeout)
        self._raise_failure()
        if self._pid is None:
            raise RuntimeError("the warden was killed before the command was started")
        return self._pid

    def processes(self) -> list[DescendantInfo]:
        """List the living members of the domain and its zombies, parents before their children.

        A snapshot: it races with every fork and exit.
        """
        with self._condition:
            self._questions += 1
            question = self._questions
            self._line.send(("processes", question))
        self._until(lambda: question in self._answers, None)
        return self._answers.pop(question, [])

    def plan(self) -> list[Step]:
        """Say whom ``stop()`` would signal with what and when, if it were called now; signals nobody."""
        members = self.processes()
        spared: set[int] = set()
        for member in members:
            if member.ppid in spared or (self._spare and self._spare(member)):
                spared.add(member.pid)
        return plan([member for member in members if member.pid not in spared], self._launch.grace)

    def signal(self, signal: int) -> None:
        """Signal the command; when it has ended, the processes that it left directly to the warden: its daemons.

        Args:
            signal: ``int`` or ``signal.Signals``.
        """
        self.wait_started()
        with self._condition:
            self._line.send(("signal", int(signal)))

    def stop(self, grace: float | None = None) -> None:
        """End everybody: SIGTERM and SIGCONT, SIGKILL after the grace; come back when nobody is left.

        Args:
            grace: seconds, instead of those given to supervise(); 0 kills at once.  A second call may shorten it.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        if not self._over():
            with self._condition:
                self._line.send(("stop", grace))
        self.wait()
        if self._report is not None and self._report.survivors:
            raise SurvivorsError(self._report.survivors)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the command and everything it started have ended by themselves or by ``stop()``.

        Returns:
            The exit status of the command, negative for the signal that ended it; None if nobody knows it.

        Raises:
            TimeoutError: not within ``timeout`` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._until(self._over, timeout)
        if not self._wait_guard(deadline):
            raise TimeoutError(f"not over within {timeout} s")
        if self._pid is None and not self._raised:
            self._raise_failure()
        return self.exit_status

    def _over(self) -> bool:
        return self._report is not None or self._line.closed

    def _until(self, condition: Callable[[], bool], timeout: float | None) -> None:
        """Read messages until the condition holds or none will come.  Of several threads one reads for all."""
        self._check_owner()
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while not condition() and not self._over():
                rest = None if deadline is None else deadline - time.monotonic()
                if rest is not None and rest <= 0:
                    self._receive()
                    if condition() or self._over():
                        return
                    raise TimeoutError(f"not within {timeout} s")
                if self._reading:
                    self._condition.wait(rest)
                    continue
                self._reading = True
                self._condition.release()
                try:
                    poll = select.poll()
                    poll.register(self._line.descriptor, select.POLLIN)
                    poll.poll(None if rest is None else rest * 1000 + 1)
                finally:
                    self._condition.acquire()
                    self._reading = False
                self._receive()
                self._condition.notify_all()

    def _receive(self) -> None:
        self._check_owner()
        with self._condition:
            if self._line.descriptor >= 0:
                for message in self._line.receive():
                    self._take(message)
                self._line.send()
            if self._over():
                self._close()

    def _take(self, message: Message) -> None:
        name, *values = message
        if name == "started":
            self._pid = values[0]
        elif name == "failed":
            number, path = values
            self._failure = OSError(number, os.strerror(number), path)
        elif name == "exited":
            self._exited = values[0]
        elif name == "processes":
            self._answers[values[0]] = [DescendantInfo(*fields) for fields in values[1]]
        elif name == "ask":
            self._line.send(("spare", self._choose([DescendantInfo(*fields) for fields in values[0]])))
        elif name == "ended":
            self._report = reports.read(values[0])

    def _choose(self, members: list[DescendantInfo]) -> list[int]:
        """Ask the predicate; one that raises spares nobody, and stop() raises its exception."""
        assert self._spare
        try:
            return [member.pid for member in members if self._spare(member)]
        except Exception as error:
            self._failure = error
            return []

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._raised = True
            raise self._failure

    def _wait_guard(self, deadline: float | None) -> bool:
        """Collect the guard, which ends right after the warden; after a killed warden it has an ending to do first."""
        if self._guard is not None and self._report is None:
            os.kill(self._guard, SIGCONT)  # an unreaped child, and somebody may have stopped it
        pause = 0.001
        while self._guard is not None:
            try:
                pid = os.waitpid(self._guard, os.WNOHANG if deadline is not None else 0)[0]
            except ChildProcessError:  # somebody else's waitpid(-1) has taken it
                pid = self._guard
            if pid:
                self._guard = None
            elif deadline is not None and time.monotonic() > deadline:
                return False
            else:
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
        return True

    def _close(self) -> None:
        if self._line.descriptor >= 0:
            os.close(self._line.descriptor)
            self._line.descriptor = -1

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise RuntimeError("this process is a forked copy of the owner: only the owner can use its handle")


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
        handle._close()
    _unwaited.clear()


os.register_at_fork(after_in_child=_forget)
