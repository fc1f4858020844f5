"""The children of a keeper (guard, deputy, warden), and what is below them: the keeper ends all of them.

A keeper has one thread and is a reaper, and only it waits for its children.  So a pid in the kernel's list of its
children means one process, dead or alive, until the keeper itself collects it: such a pid can be signalled without a
pidfd, without a start time, and without /proc/PID, which may be hidden.  A child that cannot be seen is not gone.
Deeper members need a pidfd and their start time.

``sweep`` is for processes that fork faster than they can be listed.  A chain of processes that each fork and
exit is a direct child here most of the time.  Where it has a session of its own, kill(2) of its process group is
atomic against fork: the kernel takes the lock that a fork needs.  Where it leaves its group at each step, listing and
killing are repeated at once, and each round has a fair chance of coming between birth and fork.
"""

from __future__ import annotations

import _signal
import errno
import os
import sys
import time

from ..backends.waiting import look_at, waitid, waitpid
from ..process_records import DescendantInfo
from .sending import describe_refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Protocol

    from .policy import Orders
    from .sending import Refusals

    class Listing(Protocol):
        """One system's way to list the children of the calling process, prepared before it is needed."""

        descriptors: tuple[int, ...]

        def renew(self) -> None: ...
        def pids(self) -> list[int]: ...
        def each(self) -> Iterator[int]: ...
        def walk(self, pids: list[int], parents: set[int]) -> list[DescendantInfo]: ...
        def info(self, pid: int) -> DescendantInfo: ...
        def send(self, target: DescendantInfo, signal: int) -> None: ...
        def kill_domain(self) -> None: ...


_IS_LINUX = sys.platform.startswith("linux")
SWEEP = 0.03  # seconds that one sweep may take before the keeper looks at its owner and the clock again
HIDDEN = "(hidden)"
"""The name of a process that this one may not look at."""
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSYS, errno.EINVAL)  # what this process lacks: no refusal


class OwnChildren:
    """The members of a keeper's domain.

    Args:
        collect: collects dead children; only what it has collected can vanish from the list.
        wards: pids of children that are not to be ended, with all that is below them.
        session: id of the session that the keeper was started in: processes of others may be in it.
        hear: called after the children were listed; may add wards: a ward that ends at that moment has told before
            which of its children are to live on.
    """

    def __init__(
        self,
        listing: Listing,
        collect: Callable[[], object],
        wards: Collection[int] = (),
        session: int = 0,
        hear: Callable[[], object] | None = None,
    ) -> None:
        self._listing = listing
        self._collect = collect
        self._wards = wards
        self._hear = hear
        self._sessions = {0, session or os.getsid(0), os.getsid(0)}  # where others may be; 0 is none of ours

    def pids(self) -> list[int]:
        """Return the pids of the children, zombies included, without the wards: empty means that none is left."""
        pids = self._listing.pids()
        if self._hear:
            self._hear()
        return [pid for pid in pids if pid not in self._wards]

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children, those that cannot be seen, too."""
        pids = self.pids()
        found = self._below(pids)
        seen = {member.pid for member in found}
        # one that dies between the two lists has handed its children over to this process, and neither list had them
        late = [pid for pid in self.pids() if pid not in seen and pid not in pids]
        found += [member for member in self._below(late) if member.pid not in seen] if late else []
        seen.update(member.pid for member in found)
        own = os.getpid()
        states = {pid: "zombie" if look_at(pid) else "other" for pid in [*pids, *late] if pid not in seen}
        hidden = [DescendantInfo(pid, own, HIDDEN, state, 0.0) for pid, state in states.items()]
        return hidden + found

    def _below(self, pids: list[int]) -> list[DescendantInfo]:
        try:
            return self._listing.walk(list(pids), {os.getpid()})
        except OSError:  # no descriptor is free, or /proc is gone: the children are known even so
            return []

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which processes refused, and why."""
        refused = []
        signal, targets, until = orders
        number = getattr(_signal, signal) if isinstance(signal, str) else signal
        own = os.getpid()
        for target in targets:
            if time.monotonic() > until:
                break
            try:
                if target.ppid != own:
                    self._listing.send(target, number)
                elif number == _signal.SIGSTOP:
                    self._signal_line(target.pid, number)
                else:
                    os.kill(target.pid, number)
            except ProcessLookupError:
                continue
            except OSError as error:
                if error.errno not in _OURS:
                    refused.append((target, describe_refusal(signal, error)))
        return refused

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill every child again and again, until no new one appears or the time is up; the newborn stay unnamed."""
        if not self._wards:
            self._listing.kill_domain()
        known = {member.pid for member in members}
        end = time.monotonic() + SWEEP
        while True:
            self._collect()
            fresh = [pid for pid in self.pids() if pid not in known]
            if not fresh:
                return []
            for pid in fresh:
                self._kill_line(pid)
            if time.monotonic() > end:
                return []
            known.update(fresh)

    def _kill_line(self, pid: int) -> None:
        try:
            self._signal_line(pid, _signal.SIGKILL)
        except OSError:  # it refuses, as the next listing will show
            return

    def _signal_line(self, pid: int, number: int) -> None:
        """Signal a child; its whole process group where that is wholly ours."""
        if os.getsid(pid) not in self._sessions:
            # only a member can have made this session, and only its descendants can be in it
            group = os.getpgid(pid)
            if group > 1:
                os.killpg(group, number)
        os.kill(pid, number)


def _try_calls() -> None:
    own = os.getpid()
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    for wait in (lambda: waitpid(own, os.WNOHANG), lambda: waitid(os.P_PID, own, look)):
        try:
            wait()
        except ChildProcessError:  # the right answer: no process is its own child
            continue
    os.kill(own, 0)
    if os.getppid() < 0:  # it has no error of its own: if refused, it would look as if the parent had died
        raise OSError(errno.EPERM, "getppid(2) is refused")


def listing() -> Listing:
    """Return this system's listing, opened and tried, as are the calls without which nothing can be ended.

    Raises:
        OSError: ENOTSUP, /proc is missing, or belongs to another pid namespace; EPERM, ENOSYS and the like, a filter
            of system calls refuses to let this process wait or signal.
    """
    _try_calls()
    if _IS_LINUX:
        from .warden_domain_linux import ChildrenFile

        return ChildrenFile()
    from .warden_domain_bsd import KernelList

    return KernelList()
