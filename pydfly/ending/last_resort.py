"""The last resort of a helper: kill and wait for every child, until wait says that there is none.

It needs nothing but what the helper holds since before the start: no /proc/PID, no descriptor, and next to no memory.
The children are taken from the kernel's list one by one, because with 20,000 of them the whole list takes megabytes,
and a command of the same user may have taken the memory away (RLIMIT_AS) as well as the descriptors.
"""

from __future__ import annotations

import _signal
import os
import time

from ..backends.waiting import waitpid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .warden_domain import Listing

STUBBORN = 5.0  # seconds that children which refuse to be killed are waited for
CONFIRMATIONS = 3
AT_ONCE = 1000  # dead children that are collected before the living are looked at again


def kill_until_gone(listing: Listing, kept: set[int] | None = None) -> list[int]:
    """Kill and wait for every child until only the kept ones are left; one that ends is taken out of ``kept``.

    It comes back only then; what fails is tried again, whatever it was.  It returns the pids of children that refused
    SIGKILL for too long: another user's.
    """
    while True:
        try:
            return _kill_and_wait(listing, set() if kept is None else kept)
        except BaseException:  # noqa: S112  nothing that happens here may let a process live
            continue


def _kill_and_wait(listing: Listing, kept: set[int]) -> list[int]:
    stubborn_since = time.monotonic()
    alone = 0  # lists in a row that had only kept ones: one that is read in pieces may miss a child
    while True:
        refused = [pid for pid in listing.each() if pid not in kept and not _kill(pid)]
        try:
            for _ in range(AT_ONCE):
                pid = waitpid(-1, os.WNOHANG)[0]
                if pid == 0:
                    time.sleep(0.001)
                    break
                kept.discard(pid)
        except ChildProcessError:
            return []
        alone = alone + 1 if kept and all(pid in kept for pid in listing.each()) else 0
        if alone == CONFIRMATIONS:
            return []
        now = time.monotonic()
        if not refused or any(pid not in refused and pid not in kept for pid in listing.each()):
            stubborn_since = now
        elif now - stubborn_since > STUBBORN:
            return refused


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, _signal.SIGKILL)
    except OSError:
        return False
    return True
