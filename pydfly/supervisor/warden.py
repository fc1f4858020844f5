"""The warden: owns the domain, starts the command, collects the dead, and ends everybody when it is time.

It sleeps in one place (the mailbox), and after every wake-up does the same things: hears its guard and its owner,
collects the dead, and takes the next step of the ending if one is due.
"""

from __future__ import annotations

import os
import time

from . import command, mailbox
from .domain import adopt_orphans, describe, die_with_parent, is_empty, let_go, name_myself, take_precedence
from .journal import Journal
from .watch import WARM_UP

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import Any

    from ..ending.rounds import Ending
    from ..structs import DescendantInfo
    from .conversation import Conversation
    from .launch import Launch
    from .mailbox import Mailbox
else:
    import _signal

# orders of the guard: a signal to forward, maybe with a note that the terminal sent it, or one of these
TERMINAL, END, KILL = 0x80, 0xFE, 0xFF
# the signal by which the guard hears that the command has stopped: not SIGTSTP, which may be pending there already
STOPPED = _signal.SIGURG
_ENDING_KEYS = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP)  # of a terminal, or of its loss
_JOB_CONTROL = (_signal.SIGTSTP, _signal.SIGTTIN, _signal.SIGTTOU)
GATHER = 0.02  # seconds between two looks during the grace, however fast the deaths come

# why the ending began
COMMAND_ENDED, TIMEOUT, ASKED = "the command ended", "timeout", "asked to end"


class Warden:
    """The state of one domain.

    Args:
        launch: what to run.
        mailbox: where everything arrives.
        deputy: pid of the parent, which hands STOPPED on to the guard.
        orders: the lifeline from the guard; each byte is one order.
        owner: the talk with the owner; None when the guard is all the owner there is.
        kept: other descriptors that this process needs.
    """

    def __init__(
        self,
        launch: Launch,
        mailbox: Mailbox,
        deputy: int,
        orders: int,
        owner: Conversation | None = None,
        kept: tuple[int, ...] = (),
    ) -> None:
        self.launch = launch
        self.pid = 0  # of the command
        self.status: int | None = None  # wait status of the command
        self.reason = COMMAND_ENDED
        self.began = time.time()
        self._mailbox = mailbox
        self._deputy = deputy
        self._orders = orders
        self.owner = owner
        self._kept = kept
        self._journal = Journal()
        self._ending: Ending | None = None
        self._next = float("inf")  # when the next step is due
        self._empty = False
        self._warm = False

    def start(self) -> None:
        """Own a domain, and start the command in it.

        Raises:
            OSError: the command could not be started; nothing was, then.
        """
        adopt_orphans()
        die_with_parent(_signal.SIGCONT, self._deputy)  # stopped or not, it hears of that
        self.pid = command.start(self.launch, self._mailbox, os.setsid)
        self._journal.command(self.pid, os.fsdecode(os.path.basename(self.launch.command[0])))
        if self.launch.timeout is not None:
            self._next = time.monotonic() + self.launch.timeout
        mailbox.listen(self._orders)
        if self.owner:
            mailbox.listen(self.owner.line.descriptor)
            self.owner.started(self.pid)
        let_go(self._orders, *self._kept, *([self.owner.line.descriptor] if self.owner else []))

    def run(self) -> None:
        """Come back when nobody is left, or only those who cannot be ended.

        An error here must not pass for an end: whoever calls this dies of it, and the deputy takes over.
        """
        while True:
            self._hear()
            if self._advance():
                break
            if self._mailbox.wait(self._rest()) is None and not self._warm:
                self._warm_up()
        if os.getppid() == self._deputy:
            os.kill(self._deputy, _signal.SIGCONT)  # somebody may have stopped it

    def members(self) -> list[DescendantInfo]:
        """List who is in the domain now."""
        from ..ending import rounds

        return rounds.actuator().members()

    def signal(self, number: int) -> None:
        """Signal the command; when it has ended, what it left to this process: the daemons it started."""
        if self.status is None:
            os.kill(self.pid, number)  # an unreaped child: the pid is its own
            return
        own = os.getpid()
        for member in self.members():
            if member.ppid == own and member.state != "zombie":
                os.kill(member.pid, number)

    def end(self, reason: str, grace: float | None = None) -> None:
        """Begin the ending, or shorten the grace of one that has begun."""
        now = time.monotonic()
        if self._ending is None:
            from ..ending import rounds

            take_precedence()
            self.reason = reason
            self._warm = True
            ask = self.owner.ask if self.owner and self.launch.spare else None
            grace = self.launch.grace if grace is None else grace
            self._ending = rounds.Ending(rounds.actuator(), now, grace, self._journal.saw, ask)
            self._next = now
        elif grace is not None:
            self._ending.hurry(now + grace)
            self._next = now
        if self.owner and self.owner.line.closed:
            self._ending.spare_nobody()

    def spare(self, pids: list[int]) -> None:
        """Take the owner's answer to whom to spare."""
        if self._ending:
            self._ending.spare(pids)
            self._next = time.monotonic()

    def report(self) -> dict[str, Any]:
        """Say what ran and how it ended, in plain values."""
        code = None if self.status is None else os.waitstatus_to_exitcode(self.status)
        return {
            "command": [os.fsdecode(word) for word in self.launch.command],
            "pid": self.pid,
            "exit_status": code if code is None or code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "reason": self.reason,
            "start": self.began,
            "end": time.time(),
            "processes": self._journal.processes,
            "unlisted": self._journal.unlisted,
            "survivors": [survivor._asdict() for survivor in self._ending.survivors] if self._ending else [],
            "spared": [member._asdict() for member in self._ending.spared] if self._ending else [],
        }

    def _rest(self) -> float | None:
        """Return how long to sleep: for ever, while nothing is due."""
        rest = self._next - time.monotonic()
        if not self._warm:
            rest = min(rest, WARM_UP)
        return None if rest == float("inf") else rest

    def _warm_up(self) -> None:
        """Import what the ending needs while the package is surely there, and memory and descriptors are not short."""
        self._warm = True
        from ..ending import rounds

        rounds.actuator()
        name_myself("pydfly-warden")

    def _hear(self) -> None:
        """Take the guard's orders and the owner's requests; the end of either lifeline is the end of the domain."""
        try:
            orders = os.read(self._orders, 4096)
            guarded = orders != b""
        except BlockingIOError:
            orders = b""
            guarded = os.getppid() == self._deputy
        if not guarded:
            self.end("the guard or its deputy is gone")
        for order in orders:
            if order == KILL:
                self.end(ASKED, 0.0)
            elif order == END:
                self.end(ASKED)
            else:
                self._forward(order & ~TERMINAL, bool(order & TERMINAL))
        if self.owner:
            self.owner.hear(self)

    def _forward(self, number: int, from_terminal: bool) -> None:
        """Signal the command, unless it is in the guard's process group and so has the terminal's signal already.

        When it has ended and its daemons are waited for, they get what was sent to ``pydfly run``.  What the terminal
        sends is not for them, who left it: it is for this job of the shell, which ends, or stops alone.
        """
        if self.status is None:
            if not (from_terminal and os.getpgid(self.pid) == os.getpgid(self._deputy)):
                os.kill(self.pid, number)
        elif self._ending is not None:
            return
        elif not from_terminal:
            try:
                self.signal(number)
            except PermissionError:  # another user's
                return
        elif number in _ENDING_KEYS:
            self.end(ASKED)
        elif number == _signal.SIGTSTP and os.getppid() == self._deputy:
            os.kill(self._deputy, STOPPED)

    def _advance(self) -> bool:
        """Collect the dead, take the step that is due, and say whether all is over."""
        died = self._collect()
        if self._empty:
            return True
        now = time.monotonic()
        if self._ending is None and self.status is not None and not self.launch.linger:
            self.end(COMMAND_ENDED)
        elif self._ending is None and now >= self._next:
            self.end(TIMEOUT)
        if self._ending is None:
            return False
        if died:
            self._next = min(self._next, now + GATHER)
        if now >= self._next:
            pause = self._ending.step(now)
            if pause is None:
                return True
            self._next = now + pause
        return False

    def _collect(self) -> bool:
        """Wait for every dead child.  The only proof that nobody is left is that there is no child to wait for."""
        died = False
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                self._empty = is_empty()
                if not self._empty:
                    self.end(COMMAND_ENDED)  # those left give no news, so there is nothing to wait for
                return died
            if dead is None:
                self._tell_stop()
                return died
            died = True
            if not self._journal.knows(dead.si_pid):
                self._journal.saw(describe(dead.si_pid))
            pid, status, usage = os.wait4(dead.si_pid, 0)
            self._journal.collected(pid, status, usage)
            if pid == self.pid:
                self.status = status
                if self.owner:
                    self.owner.exited(status)

    def _tell_stop(self) -> None:
        """Tell the guard when the terminal has stopped the command: being the shell's job, it stops then too."""
        if self.owner or self.status is not None:
            return
        try:
            stopped = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:
            return  # it has just died, which this does not ask for
        if stopped is not None and stopped.si_status in _JOB_CONTROL and os.getppid() == self._deputy:
            os.kill(self._deputy, STOPPED)
