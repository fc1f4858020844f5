"""What guard and deputy have in common: children that they keep going, and orphans of killed ones that they end.

The children that are kept are the *wards*: the guard's is the deputy, the deputy's are the wardens.  A ward that was
stopped is continued; a ward that was killed leaves its domain to this process, which is a reaper, and which then ends
every child that is no ward.
"""

from __future__ import annotations

import _signal
import os
import sys
import time

from ...backends.waiting import waitpid
from ...ending.drive import Ending
from ...ending.last_resort import kill_until_gone
from ...ending.warden_domain import OwnChildren
from .leavings import Leavings
from .own_process import take_precedence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ending.warden_domain import Listing
    from ...structs import Survivor
    from ..wire import Message

MOST = 5000  # dead children that are collected before this process looks around again
FAILED = 125  # exit status of a helper that failed: the one above it ends what it has left, and says so
LEFT = 3  # exit status of a ward that leaves processes which live on: spared, or impossible to end


class Keeper:
    """The children of this process; ``kept`` are to live on; None: all that exist now.

    ``leavings`` tell what wards leave that is to live on; None makes them, which may raise OSError (EMFILE, ENFILE).
    """

    def __init__(self, listing: Listing, kept: set[int] | None = None, leavings: Leavings | None = None) -> None:
        self.listing = listing
        self.leavings = leavings or Leavings()
        self._is_deputy = leavings is not None
        self.wards: set[int] = set()
        # the wards, and children that are to live on, as those of a script that has executed ``pydfly run``
        self.kept: set[int] = set(listing.pids()) if kept is None else kept
        self.childless = False
        self.dead_wards: list[tuple[int, bool]] = []  # pid, and whether its domain was ended; for what acts on it
        self._lost: list[int] = []  # numbers of the domains whose orphans are being ended
        self._session = os.getsid(0)
        self._ending: Ending | None = None

    def add(self, ward: int) -> None:
        """Keep a child from now on."""
        self.wards.add(ward)
        self.kept.add(ward)
        self.childless = False

    def collect(self) -> None:
        """Collect dead children, a bounded number of them, and continue wards that were stopped."""
        gone = set()
        for _ in range(MOST):
            try:
                pid, status = waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                self.childless = True
                break
            if pid == 0:
                break
            if os.WIFSTOPPED(status):
                if pid in self.wards:
                    os.kill(pid, _signal.SIGCONT)  # a stopped ward guards nothing
                else:
                    let_go_on(pid, status)
                continue
            gone.add(pid)
            if pid in self.wards:
                self.wards.discard(pid)
                how = os.WEXITSTATUS(status) if os.WIFEXITED(status) else FAILED
                self.dead_wards.append((pid, how in (0, LEFT)))
                if how == LEFT:
                    self._hear()
        else:
            look_again()
        self.kept.difference_update(gone)  # after ``_hear``, which may add them: their pids can be reused now

    def _hear(self) -> None:
        """Keep what helpers below have told that they leave."""
        self.kept.update(self.leavings.hear())

    def end_orphans(self, numbers: list[int], grace: float) -> None:
        """Begin to end every child that is no ward, left by the domains of these numbers; ``advance`` goes on."""
        self._lost += numbers
        if self._ending is None:
            take_precedence(will_fork=True)
            # the pipe is shared: a guard that read it here would take from a new deputy what that one's wardens tell
            hear = self._hear if self._is_deputy else None
            members = OwnChildren(self.listing, self.collect, self.kept, self._session, hear)
            self._ending = Ending(members, time.monotonic(), grace, first="SIGTERM", mode="mixed")

    def advance(self, tell: Callable[[Message], object]) -> bool:
        """Take the step that is due; say whether that ended the orphans' ending, once ``tell`` has got every "lost"."""
        if self._ending is None:
            return False
        survivors: list[Survivor] = []
        if not self._none_left():
            now = time.monotonic()
            if now < self._ending.due:
                return False
            if self._ending.step(now) is not None:
                self._ending.gather(now)
                return False
            survivors = self._ending.survivors
            self.kept.update({survivor.pid for survivor in survivors}.intersection(self.listing.pids()))
        for number in self._lost:
            tell(("lost", number, [survivor._asdict() for survivor in survivors]))
        self._lost = []
        self._ending = None
        return True

    @property
    def ending(self) -> bool:
        """Whether orphans are being ended."""
        return self._ending is not None

    @property
    def due(self) -> float:
        """When ``advance`` is due, on the monotonic clock."""
        return float("inf") if self._ending is None else self._ending.due

    def _none_left(self) -> bool:
        """Say whether every child is kept.

        The kernel's list of children proves it: only this process removes entries, so a child that has died stays in
        it until it is collected, and its own children were here before that.
        """
        return self.childless or all(pid in self.kept for pid in self.listing.pids())


def look_again() -> None:
    """Have the next sleep of this process end at once, because more dead children may be there than were collected.

    The kernel does not say that again: if all of them died before their one SIGCHLD was taken, none would come.
    """
    os.kill(os.getpid(), _signal.SIGCHLD)


def let_go_on(pid: int, status: int) -> None:
    """Stop tracing a child that has made this process its tracer (PTRACE_TRACEME) and is stopped by that.

    Otherwise each signal would stop it, also the one that asks it to end; the wait status names the signal.  On other
    systems SIGKILL has to end it.
    """
    if sys.platform == "linux":
        from ...backends.linux.prctl import detach  # loaded long before

        number = os.WSTOPSIG(status)
        detach(pid, 0 if number == _signal.SIGTRAP else number)  # the trap is ptrace's own


def last_resort(keeper: Keeper) -> list[int]:
    """End everything below this process, wards included, without looking at anything but the list of children.

    Children that are to live on are left alone here, too, as those of a script that has executed ``pydfly run``.
    """
    return kill_until_gone(keeper.listing, keeper.kept - keeper.wards)
