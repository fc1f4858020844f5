"""PROC_REAP_KILL: sys/kern/kern_procctl.c, reap_kill() and what it calls.

Which result a call has is not what the manual says (FK-9), and 13.2 and later kernels differ (FK-5 to FK-8).  Only the
number of processes that were signalled can be relied on.
"""

from __future__ import annotations

from collections import deque

from ...constants import freebsd as numbers
from ...errors import refusal
from ...structs import ReaperKill, ReaperKilled
from .. import signals
from ..proc import Proc
from . import permissions
from .reaplists import members, reaper_of

_CHILDREN, _SUBTREE = int(numbers.REAPER_KILL_CHILDREN), int(numbers.REAPER_KILL_SUBTREE)
_REASONS = {
    "ESRCH": "no process was signalled, or the kernel says so although some were: see the count in the result",
    "EPERM": "a process refused the signal: see the count, and its pid, in the result",
}
UNTOUCHED = ReaperKilled(0, -1)
"""The result when the kernel copies the structure back as it got it; told from others by identity."""


class Killing:
    """One request: ``struct procctl_reaper_kill`` while the kernel works on it."""

    def __init__(self, caller: Proc, request: ReaperKill) -> None:
        self.caller = caller
        self.sig = request.sig
        self.flags = int(request.flags)
        self.subtree = request.subtree
        self.killed = 0
        self.fpid = -1
        self.error: str | None = "ESRCH"  # FK-4: until a target changes it

    def signal(self, target: Proc) -> None:
        """pksignal(), and count (FK-10)."""
        signals.post(target, self.sig, "SI_USER", self.caller.pid, self.caller.ruid)
        self.killed += 1

    def children(self, reaper: Proc) -> None:
        """reap_kill_children(): one pass over all children, those from before ACQUIRE too; success is not recorded.

        FK-7: the pending ESRCH stays however many got the signal.
        """
        for child in reaper.each_child():
            if not child.alive:
                continue  # FK-2
            refused = permissions.cansignal(self.caller, child, self.sig)
            if refused is None:
                self.signal(child)
            elif self.error == "ESRCH":
                self.fpid, self.error = child.pid, refused

    def domain(self, reaper: Proc, main: bool) -> None:
        """reap_kill_subtree(): the members, and those of every reaper among them, each once (FK-3)."""
        reapers = deque([reaper] if reaper.alive else [])  # FK-2: a dead reaper is skipped with its domain
        while reapers:
            owner = reapers.popleft()
            for target in members(owner):
                if owner is reaper and self.flags & _SUBTREE and target.subtree != self.subtree:
                    continue
                if not target.alive:
                    continue
                if target.domain is not None:
                    reapers.append(target)
                if target is self.caller and not main:
                    self.signal(target)  # FK-8: without a test, and without setting the result
                else:
                    self.member(target, main)

    def member(self, target: Proc, main: bool) -> None:
        """reap_kill_proc_locked(): how a refusal and a success change the result (13.2: FK-5; later: FK-6)."""
        refused = permissions.cr_cansignal(self.caller, target, self.sig)
        if refused is None:
            self.signal(target)
            self.error = None
        elif (self.error is None and refused != "ESRCH") if main else self.error == "ESRCH":
            self.fpid, self.error = target.pid, refused


def kill(caller: Proc, target: Proc, request: ReaperKill, main: bool) -> ReaperKilled:
    """reap_kill().

    Args:
        target: a reaper, or a process that stands for its reaper: the domain of that is meant.
        main: by the rules of the kernels after 13.2.

    Raises:
        OSError: EINVAL, signal or flags; the structure is left untouched.
        ProcessLookupError, PermissionError: ESRCH, EPERM; ``result`` is what was written all the same.
    """
    flags = int(request.flags)
    if not 0 < int(request.sig) <= numbers.SIG_MAXSIG or flags & ~(_CHILDREN | _SUBTREE) or flags == 3:
        raise refusal("procctl", "EINVAL", "rk_sig is no signal, or rk_flags are unknown or exclude each other")
    killing = Killing(caller, request)
    reaper = reaper_of(target)
    if flags & _CHILDREN:
        killing.children(reaper)
    else:
        killing.domain(reaper, main)
    result = ReaperKilled(killing.killed, killing.fpid)
    if killing.error is not None:
        raise refusal("procctl", killing.error, _REASONS[killing.error], result=result)
    return result
