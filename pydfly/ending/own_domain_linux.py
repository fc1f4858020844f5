"""Linux: members are found by listing /proc, and signalled through pidfds.

The kernel has no call for "every process below me", so a listing races with every fork, and it takes longer than some
processes live.  ``sweep`` wins that race: it asks for the newest pid of the machine by itself (/proc/loadavg
names it), and of a new list of pids it looks only at those that were not in the one before.

Where a process has children that are not to be ended, ECHILD never comes.  The proof that no member is left is then the
kernel's list of this process's children: at each moment every living member has a living ancestor that is a direct
child, because the children of a process go to the reaper at the moment of its death.  So no process is left if a list
holds only children that are not to be ended, and children that were dead *before* the list was made.  (One that dies
after it was listed may have left a child that the list could not show.  That is how a chain of processes that each fork
and exit gets past any listing.)
"""

from __future__ import annotations

import _signal
import os

from ..backends import current, forked_children
from ..backends.linux.domain import Domain, is_dead
from ..backends.linux.process import OWN
from ..backends.linux.procfile import newest_pid
from ..backends.waiting import is_death, look_at
from .sending import send_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ..structs import DescendantInfo
    from .policy import Orders
    from .sending import Refusals

    Keep = Callable[[list[DescendantInfo]], list[DescendantInfo]]

PROBES = 20  # looks at the newest pid for one look at the list of pids
PASSES = 50  # such series at most in one sweep
_BY_DESCRIPTOR = getattr(os, "P_PIDFD", None)  # Linux 5.4


class Scan:
    """The members of this process's domain, on Linux."""

    def __init__(self) -> None:
        processes = current().processes
        assert isinstance(processes, Domain)
        self._processes = processes
        self._seen: set[str] = set()  # the pids that were there before the last full listing was made

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        self._seen = set(os.listdir("/proc"))
        return self._processes.descendants()

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which refused, and why."""
        signal = orders.signal
        return send_each(self._processes, orders, getattr(_signal, signal) if isinstance(signal, str) else signal)

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill the processes that were born after the listing that gave these members, and return them."""
        # a new child of this process is a member, as the next listing would say: children from before are not new
        ours = {str(os.getpid()), *(str(member.pid) for member in members)}
        found: list[DescendantInfo] = []
        for _ in range(PASSES):
            before = len(found)
            for _ in range(PROBES):
                newest = str(newest_pid())  # None is no name in /proc
                if newest not in self._seen:
                    found += self._kill_if_ours(newest, ours)
            for pid in reversed(os.listdir("/proc")):
                if pid not in self._seen:
                    found += self._kill_if_ours(pid, ours)
            if len(found) == before:
                break
        return found

    def _kill_if_ours(self, pid: str, ours: set[str]) -> list[DescendantInfo]:
        """Kill a process whose parent is one of ours; one with an unknown parent is looked at again later."""
        try:
            descriptor = os.pidfd_open(int(pid))  # from here on the pid means one process, dead or alive
        except (OSError, ValueError):
            return []  # gone, or the id of a thread
        try:
            process = self._processes.info(int(pid))
            if str(process.ppid) in ours:
                ours.add(pid)
                self._seen.add(pid)
                _signal.pidfd_send_signal(descriptor, _signal.SIGKILL)
                return [process]
            if str(process.ppid) in self._seen:
                self._seen.add(pid)
        except OSError:
            pass
        finally:
            os.close(descriptor)
        return []


class LivingChildren(Scan):
    """The members of this process's domain without its dead children, which wait for their owners.

    ``keep`` and ``spared`` are those of ``OwnDomain``; the second is asked again and again, and may change.
    """

    def __init__(self, keep: Keep | None = None, spared: Collection[int] = ()) -> None:
        super().__init__()
        self._processes.require_proc()
        self._keep = keep
        self._spared = spared if keep else set(OWN.outsiders.pids())
        known = [*self._spared, *(below.pid for pid in list(self._spared) for below in self._processes.below(pid))]
        self._sessions = {0, os.getsid(0), *map(_session, known)}  # where others may be; 0: not of this pid namespace

    def members(self) -> list[DescendantInfo]:
        """List the members, parents before their children."""
        self._seen = set(os.listdir("/proc"))
        living = self._processes.living_members()
        return self._keep(living) if self._keep else living

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill those that were born meanwhile; where some are spared, kill() does, as it knows which."""
        return [] if self._keep else super().sweep(members)

    def kill(self) -> bool:
        """SIGKILL each of them; say whether there was any that can be killed.

        A child that has a session of its own, dead or alive, names a process group that is killed as a whole.  The
        kernel does that with the lock which a fork needs, so no child of the group gets away, however fast it forks.
        """
        found = False
        groups: set[int] = set()
        for pid in reversed(self._processes.children()):  # the one attached last first
            dead = look_at(pid)
            if dead is None or self._is_spared(pid):  # None: collected by its owner, so its pid may be another's
                continue
            in_group = self._kill_group(pid, groups)
            found |= not dead and (in_group or self._kill(pid))
        return found

    def none_is_left(self) -> bool:
        """Say whether no member lives.

        A list of the kernel may miss a child while another one is collected, so the answer is certain only if it is
        the same several times.
        """
        self._processes.require_proc()
        dead = set()
        for pid in reversed(self._processes.children()):  # of a chain the one attached last lives
            if not self._is_spared(pid):
                if not is_dead(pid):
                    return False
                dead.add(pid)
        return all(pid in dead or self._is_spared(pid) for pid in self._processes.children())

    def _kill_group(self, pid: int, killed: set[int]) -> bool:
        """Kill the process group of a child, unless that has happened; not where others may be in it."""
        try:
            # only a member can have made another session, and only its descendants can be in it
            if os.getsid(pid) in self._sessions:
                return False
            group = os.getpgid(pid)
            if group not in killed:
                os.killpg(group, _signal.SIGKILL)
                killed.add(group)
        except OSError:  # gone, or all of them refuse
            return False
        return True

    def _kill(self, pid: int) -> bool:
        try:
            descriptor = os.pidfd_open(pid)  # from here on the pid means one process, dead or alive
        except OSError:
            return False
        try:
            if not _is_living_child(pid, descriptor):
                return False
            _signal.pidfd_send_signal(descriptor, _signal.SIGKILL)
        except OSError:  # EPERM: the next listing will show it
            return False
        finally:
            os.close(descriptor)
        return True

    def _is_spared(self, pid: int) -> bool:
        """Say whether it is not to be ended; its pid alone may be another's by now."""
        if pid not in self._spared and (
            self._keep is None or not forked_children.may_be_ours(pid, self._processes.born)
        ):
            return False
        try:
            found = self._processes.members([self._processes.info(pid)])
        except ProcessLookupError:
            return False
        return not (self._keep(found) if self._keep else found)


def _is_living_child(pid: int, descriptor: int) -> bool:
    """Ask about the process that the descriptor stands for, as its pid may be another's."""
    try:
        kind, which = (os.P_PID, pid) if _BY_DESCRIPTOR is None else (_BY_DESCRIPTOR, descriptor)
        return not is_death(os.waitid(kind, which, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    except OSError:
        return False


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0
