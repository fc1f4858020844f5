"""The dead children of a warden: each described, or in a storm just counted, and a bounded number at a time."""

from __future__ import annotations

import _signal
import errno
import os
import resource  # noqa: F401  os.wait4 would load it at its first call, when no descriptor may be free

from ...backends import waiting
from .journal import Journal
from .keeper import MOST, let_go_on, look_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ending.warden_domain import Listing
    from ...structs import DescendantInfo

DETAILED = 50  # dead children of one turn that are described; with more of them it is a storm, and they are counted
_JOB_CONTROL = (_signal.SIGTSTP, _signal.SIGTTIN, _signal.SIGTTOU, _signal.SIGSTOP)  # top(1) stops by the last


class DeadChildren:
    """The children of this process that have died; ``listing`` describes each before it is collected."""

    def __init__(self, listing: Listing) -> None:
        self.journal = Journal()
        self.childless = False
        """Wait has said ECHILD: there is no child, dead or alive."""
        self.command_status: int | None = None
        """Wait status of the command, when it has ended."""
        self.stopped_by = 0
        """The signal of the terminal that has stopped the command just now."""
        self._listing = listing
        self._command = 0

    def command_is(self, pid: int, name: str) -> None:
        """Take note that the command was started."""
        self._command = pid
        self.journal.command(pid, name)

    def collect(self) -> bool:
        """Wait for dead children, and say whether there were any."""
        self.childless = False
        self.stopped_by = 0
        for number in range(DETAILED):
            try:
                dead = waiting.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                self.childless = True
                return number > 0
            if dead is None:
                self._look_for_stop()
                return number > 0
            if not self.journal.knows(dead.si_pid):
                self._describe(dead.si_pid)
            pid, status, usage = waiting.wait4(dead.si_pid, 0)
            if os.WIFSTOPPED(status):
                let_go_on(pid, status)
                continue
            self.journal.collected(pid, status, usage)
            self._note(pid, status)
        self.count()
        return True

    def count(self) -> None:
        """Wait for dead children without looking at each."""
        for _ in range(MOST):
            try:
                pid, status = waiting.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.childless = True
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                let_go_on(pid, status)
                continue
            self.journal.counted(pid, status)
            self._note(pid, status)
        look_again()

    def signal(self, number: int, to_group: bool, members: Callable[[], list[DescendantInfo]]) -> None:
        """Signal the command; when it has ended, what it left to this process: the daemons that it started.

        ``to_group``: all of the process group is meant, if the command leads one.  OSError: PermissionError, one of
        them refuses; ProcessLookupError, there is none.
        """
        command = self._command
        if command and self.command_status is None:
            # an uncollected child: the pid is its own
            (os.killpg if to_group and os.getpgid(command) == command else os.kill)(command, number)
            return
        own = os.getpid()
        targets = [member for member in members() if member.ppid == own and member.state != "zombie"]
        if not targets:
            raise ProcessLookupError(errno.ESRCH, "the command has ended, and no process of it is left")
        refused: OSError | None = None
        for member in targets:
            try:
                os.kill(member.pid, number)
            except OSError as error:
                refused = refused or error
        if refused:
            raise refused

    def _note(self, pid: int, status: int) -> None:
        if pid == self._command and self.command_status is None:
            self.command_status = status

    def _describe(self, pid: int) -> None:
        try:
            self.journal.saw([self._listing.info(pid)])
        except OSError:  # hidden, or no descriptor is free
            return

    def _look_for_stop(self) -> None:
        """See whether the terminal has stopped the command: being the shell's job, ``pydfly run`` stops, too."""
        if self.command_status is not None or not self._command:
            return
        try:
            stopped = os.waitid(os.P_PID, self._command, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:
            return
        if stopped is not None and stopped.si_status in _JOB_CONTROL:
            self.stopped_by = stopped.si_status
