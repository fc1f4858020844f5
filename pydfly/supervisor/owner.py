"""The handle on a supervised command, for callers that wait by blocking."""

from __future__ import annotations

import os
import select
import time
from threading import Condition

from .handle import Handle
from .mailbox import LONGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ..structs import DescendantInfo
    from .handle import Spare
    from .launch import Launch
    from .report import Step

_LONGEST_PAUSE = 0.05


class Supervised(Handle):
    """A command under a warden; made by ``supervise()``.  May be used from several threads."""

    def __init__(self, launch: Launch, guard: int, descriptor: int, spare: Spare | None) -> None:
        self._condition = Condition()  # its lock is a recursive one
        self._reading = False
        super().__init__(launch, guard, descriptor, spare)

    def __enter__(self) -> Supervised:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.getpid() != self._owner:
            return
        try:
            if not self._told:
                self.stop()
        finally:
            self._close_files()
        if kind is None:
            self._raise_failure()

    @property
    def pid(self) -> int:
        """Process id of the command; waits until it was executed, and raises as ``wait_started`` does."""
        return self.wait_started()

    def wait_started(self, timeout: float | None = None) -> int:
        """Wait until the command has been executed, and return its process id.

        Raises:
            FileNotFoundError: ENOENT, there is no such program or directory (``filename``).
            PermissionError: EACCES, it must not be executed.
            OSError: ENOEXEC and what else execve(2), fork(2) and chdir(2) give.
            RuntimeError: the warden was killed before.
            TimeoutError: not within ``timeout`` seconds.
        """
        self._until(lambda: self._pid is not None, timeout)
        return self._started()

    def processes(self) -> list[DescendantInfo]:
        """List the living members of the domain and its zombies, parents before their children.

        A snapshot: it races with every fork and exit.
        """
        with self._condition:
            question = self._ask_processes()
        self._until(lambda: question in self._answers, None)
        return self._answers.pop(question, [])

    def plan(self) -> list[Step]:
        """Say whom ``stop()`` would signal with what and when, if it were called now; signals nobody."""
        return self._plan(self.processes())

    def signal(self, signal: int) -> None:
        """Signal the command; when it has ended, the processes that it left directly to the warden: its daemons.

        Args:
            signal: ``int`` or ``signal.Signals``.

        Raises:
            OSError: as ``wait_started``.
        """
        self.wait_started()
        with self._condition:
            self._line.send(("signal", 0, int(signal)))

    def stop(self, grace: float | None = None) -> None:
        """End everybody: SIGTERM and SIGCONT, SIGKILL after the grace; come back when nobody is left.

        Args:
            grace: seconds, instead of those given to supervise(); 0 kills at once.  A second call may shorten it.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        self._check_owner()
        with self._condition:
            if not self._over():
                self._line.send(("stop", 0, grace))
        self._until(self._over, None)
        self._collect(None)
        self._check_survivors()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the command and everything it started have ended, by themselves or by ``stop()``.

        Returns:
            The exit status of the command, negative for the signal that ended it; None if nobody knows it.

        Raises:
            OSError: the command could not be started; as ``wait_started``.
            SurvivorsError: some could not be ended.
            TimeoutError: not within ``timeout`` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._until(self._over, timeout)
        self._collect(deadline)
        self._raise_failure()
        self._check_survivors()
        return self.exit_status

    def _receive(self) -> None:
        with self._condition:
            super()._receive()

    def _until(self, condition: Callable[[], bool], timeout: float | None) -> None:
        """Read messages until the condition holds or none will come.  Of several threads one reads for all."""
        self._check_owner()
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            self._receive()
            while not condition() and not self._over():
                rest = None if deadline is None else min(deadline - time.monotonic(), LONGEST)
                if rest is not None and rest <= 0:
                    raise TimeoutError(f"not within {timeout} s")
                if self._reading:
                    self._condition.wait(rest)
                    continue
                self._wait_readable(rest)
                self._receive()
                self._condition.notify_all()
            if self._over():
                self.close()

    def _wait_readable(self, rest: float | None) -> None:
        """Sleep without the lock until something can be read."""
        poll = select.poll()
        poll.register(self._line.descriptor, select.POLLIN)
        self._reading = True
        self._condition.release()
        try:
            poll.poll(None if rest is None else rest * 1000 + 1)
        finally:
            self._condition.acquire()
            self._reading = False

    def _collect(self, deadline: float | None) -> None:
        """Wait for the guard."""
        pause = 0.001
        with self._condition:
            while not self._collect_guard(block=deadline is None):
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError("the guard is still ending what a killed warden left")
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
