"""Linux: members are found by listing /proc, and signalled through pidfds.

The kernel has no call for "everyone below me", so a listing races with every fork.  Two things win the race
against processes that replace themselves faster than a listing takes: the newest pid of the machine is asked for
by itself (/proc/loadavg names it), and of a listing only the pids that were not in the one before are looked at.
"""

from __future__ import annotations

import errno
import os

from ..backends.procfs import ProcFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal

    from ..structs import DescendantInfo
else:
    import _signal

PROBES = 25  # looks at the newest pid for one look at the list of pids
CHASE = 40  # such series for one full listing


class Scan:
    """The descendants of this process, on Linux."""

    def __init__(self, processes: ProcFs) -> None:
        self._processes = processes
        self._numbers = {name: getattr(_signal, name) for name in ("SIGTERM", "SIGCONT", "SIGKILL")}
        self._send = _signal.pidfd_send_signal

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        return self._processes.below(os.getpid())

    def signal(self, targets: list[DescendantInfo], signal: str) -> list[tuple[DescendantInfo, str]]:
        """Signal each target; return who refused, and why.  Who is gone meanwhile is no refusal."""
        refused = []
        for target in targets:
            try:
                self._processes.send(target, self._numbers[signal])
            except ProcessLookupError:
                continue
            except OSError as error:
                refused.append((target, f"{signal}: {errno.errorcode.get(error.errno or 0)} ({error.strerror})"))
        return refused
