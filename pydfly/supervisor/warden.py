"""The warden: owns the domain, starts the command, collects the dead, and ends everybody when it is time.

It sleeps in one place (the mailbox), and after every wake-up does the same four things: hears its guard and its
owner, collects the dead, and takes the next step of the ending if there is one.
"""

from __future__ import annotations

import _signal
import os
import time

from . import command, mailbox
from .domain import adopt_orphans, die_with_parent
from .journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ending.rounds import Ending
    from .launch import Launch
    from .mailbox import Mailbox

END, KILL = 0xFE, 0xFF  # orders of the guard besides signal numbers, which are below
WARM_UP = 0.02  # seconds after which the command is no short one, and what the ending needs is imported


class Warden:
    """The state of one domain.

    Args:
        launch: what to run.
        orders: descriptor of the lifeline from the guard; each byte is a signal to forward, END or KILL.
        mailbox: where everything arrives.
        guard: pid of the guard.
    """

    def __init__(self, launch: Launch, orders: int, mailbox: Mailbox, guard: int) -> None:
        self.launch = launch
        self.journal = Journal()
        self.pid = 0
        self.status: int | None = None  # wait status of the command
        self.reason = "the command ended"
        self._orders = orders
        self._mailbox = mailbox
        self._guard = guard
        self._empty = False
        self._ending: Ending | None = None
        self._next = 0.0  # when the ending wants its next step
        self._timeout_at: float | None = None
        self._warm = False

    def run(self) -> None:
        """Start the command and come back when nobody is left, or only those who cannot be ended.

        Raises:
            OSError: the command could not be started.
        """
        adopt_orphans()
        die_with_parent(_signal.SIGIO, self._guard)
        mailbox.listen(self._orders)
        self.pid = command.start(self.launch, self._mailbox, os.setsid)
        self.journal.command(self.pid, os.fsdecode(os.path.basename(self.launch.command[0])))
        if self.launch.timeout is not None:
            self._timeout_at = time.monotonic() + self.launch.timeout
        self._hear()
        while not self._done():
            if self._mailbox.wait(self._rest()) is None and not self._warm:
                self._warm_up()
            self._hear()

    @property
    def survivors(self) -> list[tuple[int, str, str, str]]:
        """Those who could not be ended: pid, name, state, why."""
        return [tuple(survivor) for survivor in self._ending.survivors] if self._ending else []  # type: ignore[misc]

    def _rest(self) -> float | None:
        """Return how long to sleep: for ever, while nothing is due."""
        now = time.monotonic()
        due = []
        if self._ending:
            due.append(self._next - now)
        elif self._timeout_at is not None:
            due.append(self._timeout_at - now)
        if not self._warm:
            due.append(WARM_UP)
        return min(due, default=None)

    def _warm_up(self) -> None:
        """Import what the ending needs while the package is there for sure, and memory and descriptors are not short."""
        self._warm = True
        from ..ending import rounds  # noqa: F401

    def _hear(self) -> None:
        """Take the guard's orders; the end of the pipe is the end of the guard."""
        try:
            orders = os.read(self._orders, 4096)
        except BlockingIOError:
            orders = b"" if os.getppid() != self._guard else None
        if orders == b"":
            self.end("the guard is gone")
        for order in orders or b"":
            if order == KILL:
                self.end("asked to kill", 0.0)
            elif order == END:
                self.end("asked to end")
            else:
                self.forward(order)

    def forward(self, number: int) -> None:
        """Signal the command, which is an unreaped child of this process or nobody."""
        if self.status is None:
            os.kill(self.pid, number)

    def end(self, reason: str, grace: float | None = None) -> None:
        """Begin the ending, or shorten the grace of one that has begun."""
        now = time.monotonic()
        grace = self.launch.grace if grace is None else grace
        if self._ending is None:
            from ..ending import rounds

            self.reason = reason
            self._warm = True
            self._ending = rounds.Ending(rounds.actuator(), now, grace, self.journal.saw)
        elif grace == 0:
            self._ending.hurry(now)
        self._next = now

    def _done(self) -> bool:
        """Collect the dead, take the step that is due, and say whether all is over."""
        self._collect()
        if self._empty:
            return True
        now = time.monotonic()
        if self._ending is None:
            if self.status is not None and not self.launch.linger:
                self.end("the command ended")
            elif self._timeout_at is not None and now >= self._timeout_at:
                self.end("timeout")
        if self._ending is not None:
            pause = self._ending.step(now)
            if pause is None:
                return True
            self._next = now + pause
        return False

    def _collect(self) -> None:
        """Wait for every dead child.  The only proof that nobody is left is that there is no child to wait for."""
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                self._empty = True
                return
            if dead is None:
                return
            pid, status, usage = os.wait4(dead.si_pid, 0)
            self.journal.collected(pid, status, usage)
            if pid == self.pid:
                self.status = status
