"""What the Linux kernel keeps for this *process*, kept once here for every backend object, flavour and thread.

Being a reaper is an attribute of the process, and so is (on the BSDs) the parent-death signal.  So there is one state,
``OWN``, and one hook for forks, which is registered when this module is imported and never again: a forked child is no
reaper (the kernel does not inherit the attribute), has no outsiders and no parent-death signal.
"""

from __future__ import annotations

import os
from _thread import RLock  # threading's own, without what else threading costs a fresh interpreter

from ...process_records import DescendantInfo
from .. import forked_children
from ..outsiders import OWN as OUTSIDERS
from . import prctl
from .deathsig import DeathSignal
from .procfile import moment
from .procfs import ProcFs


class OwnProcess:
    """The calling process, as far as the kernel keeps attributes for it."""

    def __init__(self) -> None:
        self.outsiders = OUTSIDERS
        """The descendants that were there before ACQUIRE."""
        self.deathsig = DeathSignal()
        """The parent-death signal."""
        self.forget()

    def forget(self) -> None:
        """Start as the kernel lets a forked child start."""
        self.lock = RLock()
        """Held between asking for an attribute and setting it, and while the outsiders are told from the members."""
        self.lines: dict[tuple[int, float], int] = {}
        """The direct child that a member came from, as last seen (FreeBSD's rule FP-7)."""
        self.outsiders.forget()
        self.deathsig.forget()

    def is_reaper(self) -> bool:
        """Say whether this process is a reaper; the kernel's own attribute decides, whichever code set it."""
        return os.getpid() == 1 or prctl.is_subreaper()

    def acquire(self) -> bool:
        """Become a reaper; False if this process is one already.

        The processes below this one stay in the outer domain on the BSDs; here they are kept out of the counts.
        """
        with self.lock:
            processes = ProcFs()
            forked_children.watch(processes.children, moment)  # children that were not made here are adopted orphans
            if self.is_reaper():
                return False
            _warn_if_children_vanish()
            before = processes.below(os.getpid())
            prctl.prctl(prctl.PR_SET_CHILD_SUBREAPER, 1)
            self.outsiders.note(before)
            return True

    def release(self) -> bool:
        """Stop being a reaper; False if this process is none."""
        with self.lock:
            if not prctl.is_subreaper():
                return False
            prctl.prctl(prctl.PR_SET_CHILD_SUBREAPER, 0)
            self.outsiders.forget()
            forked_children.stop()
            return True

    def members(self, descendants: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members of the domain among the descendants (which come parents first)."""
        with self.lock:
            return self.outsiders.without(descendants)


def _warn_if_children_vanish() -> None:
    """A reaper that ignores SIGCHLD keeps its zombies on the BSDs; Linux reaps them itself, and wait() then lies."""
    import signal

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        import warnings

        warnings.warn(
            "SIGCHLD is ignored: Linux will reap adopted orphans itself, and wait() cannot tell how they ended",
            RuntimeWarning,
            stacklevel=6,
        )


OWN = OwnProcess()
"""The one state of this process."""
os.register_at_fork(after_in_child=OWN.forget)
