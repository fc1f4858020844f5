"""The handle on a supervised command, for callers that wait by blocking."""

from __future__ import annotations

import contextlib
import os

from ..structs import DescendantInfo
from .arguments import signal_number
from .handle import Handle
from .waiting_threads import NotYetError, deadline_of, rest_until

_SENDING = 10.0  # seconds that supervise() may take to send what is to be run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

    from .guard_connection import GuardConnection
    from .prepare import Prepared
    from .report import Step


class Supervised(Handle):
    """A command under a warden; made by ``supervise()``.

    May be used from several threads, and from a signal handler that interrupts another call of the same handle.
    """

    stdin: IO[bytes] | None = None
    """The other end of a pipe to the command, if one was asked for."""
    stdout: IO[bytes] | None = None
    """The other end of a pipe from the command, if one was asked for."""
    stderr: IO[bytes] | None = None
    """The other end of a pipe from the command, if one was asked for."""

    def __init__(self, guard: GuardConnection, prepared: Prepared, alone: bool) -> None:
        self.stdin, self.stdout, self.stderr = map(prepared.open_pipe, ("stdin", "stdout", "stderr"))
        super().__init__(guard, prepared, alone)
        if self.line.unsent or guard.control.unsent:
            self._wait_sent()

    def _wait_sent(self) -> None:
        """Send what does not fit into a socket now: it must not wait for the next call of this handle."""
        sent = self._purpose("the helpers of")
        with contextlib.suppress(NotYetError):  # they are stopped: it is sent when they continue
            self._guard.until(lambda: not (self.line.unsent or self._guard.control.unsent), _SENDING, sent)

    def __enter__(self) -> Supervised:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if os.getpid() != self._owner:
            return
        try:
            if not self._told:
                self.stop()
        finally:
            for file in (self.stdin, self.stdout, self.stderr):
                if file is not None:
                    with contextlib.suppress(BrokenPipeError):  # what is unwritten has no reader any more
                        file.close()
        if kind is None:
            self._raise_failures()

    @property
    def pid(self) -> int:
        """Process id of the command; waits until it was executed, and raises as ``wait_started`` does."""
        return self.wait_started()

    def wait_started(self, timeout: float | None = None) -> int:
        """Wait until the command has been executed, and return its process id.

        Args:
            timeout: seconds; None for ever.

        Raises:
            FileNotFoundError: ENOENT, there is no such program or directory (``filename``).
            PermissionError: EACCES, it must not be executed; EPERM, ``user`` or ``group`` must not be taken.
            OSError: ENOEXEC, E2BIG and what else execve(2), fork(2) and chdir(2) give.
            SupervisionError: the helpers were killed before, or the interpreter for them is none.
            TimeoutError: not within ``timeout`` seconds.
        """
        self._until_started(timeout)
        return self._started()

    def processes(self) -> list[DescendantInfo]:
        """List the living members of the domain and its zombies, parents before their children.

        A snapshot: it races with every fork and exit.
        """
        listed = self._ask("processes", purpose="the list of processes")
        return [DescendantInfo(*fields) for fields in listed or []]

    def plan(self) -> list[Step]:
        """Say what ``stop()`` would signal with what and when, if it were called now; signals nothing."""
        return self._plan(self.processes())

    def signal(self, signal: int) -> None:
        """Signal the command; when it has ended, the processes that it left directly to the warden: its daemons.

        Args:
            signal: ``int`` or ``signal.Signals``.

        Raises:
            ProcessLookupError: ESRCH, everything has ended.
            PermissionError: EPERM, the command is another user's now.
            TypeError, ValueError: no such signal.
            OSError, SupervisionError: as ``wait_started``.
        """
        number = signal_number(signal)
        self._until_started(None)
        self._started()
        self._check_living()
        self._ask("signal", number, purpose="the answer to a signal")

    def stop(self, grace: float | None = None) -> None:
        """End everything: the stop signal and SIGCONT, SIGKILL after the grace; come back when no process is left.

        Args:
            grace: seconds, instead of those given to supervise(); 0 kills at once.  A second call may shorten it.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
            TypeError, ValueError: ``grace`` is no number of seconds.
            RuntimeError: called by ``spare``, which the ending waits for.
        """
        self._check_owner()
        self._check_asking()
        self.ask_to_stop(grace)
        self._until_over(None, True)
        self._check_survivors()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the command and everything it started have ended, by themselves or by ``stop()``.

        Args:
            timeout: seconds; None for ever.

        Returns:
            The exit status of the command, negative for the signal that ended it; None if it is a spared one.

        Raises:
            OSError: the command could not be started; as ``wait_started``.
            SurvivorsError: some could not be ended.
            SupervisionError: the helpers were killed; everything was ended, but the exit status is not known.
            TimeoutError: not within ``timeout`` seconds.
        """
        self._check_owner()
        self._check_asking()
        self._until_over(timeout)
        self._check_survivors()
        return self._command_status()

    def wait_command(self, timeout: float | None = None) -> int | None:
        """Wait until the command has ended, whatever it has left behind.

        Args:
            timeout: seconds; None for ever.

        Returns:
            Its exit status, negative for the signal that ended it; None if it is a spared one.

        Raises:
            OSError, SupervisionError, TimeoutError: as ``wait``.
        """
        self._check_owner()
        self._check_asking()
        ends = self._purpose("the end of")
        self._guard.until(lambda: self._known.exited is not None or self._over(), timeout, ends)
        return self._command_status()

    def _until_started(self, timeout: float | None) -> None:
        self._check_owner()
        starts = self._purpose("the start of")
        self._guard.until(lambda: self._known.pid is not None or self._over(), timeout, starts, urge=True)

    def _until_over(self, timeout: float | None, urge: bool = False) -> None:
        """Wait for the end of the domain, and of helpers that have no other one."""
        deadline = deadline_of(timeout)
        self._guard.until(self._over, timeout, self._purpose("the end of everything started by"), urge)
        if not self._closed:
            self._finish()
        if self._alone:
            self._guard.wait_gone(rest_until(deadline))

    def _ask(self, name: str, *values: object, purpose: str) -> Any:
        self._check_owner()
        if self._over():
            return None
        serial = self._request(name, *values)
        try:
            self._guard.until(lambda: self._answered(serial), None, self._purpose(purpose + " of"), urge=True)
        except BaseException:
            self._known.give_up(serial)
            raise
        return self._known.answer(serial)
