"""The commands of FreeBSD's procctl(2) about reapers and the parent-death signal: sys/kern/kern_procctl.c.

They are called when all that concerns every command has been checked: see ``procctl``.
"""

from __future__ import annotations

from typing import Any

from ... import structs
from ...constants import freebsd as numbers
from ...errors import refusal
from ...named_tuple import NamedTuple
from ..proc import Proc
from ..states import STOPPED, ZOMBIE
from . import reapkill, reaplists

_VALID, _CHILD, _REAPER, _ZOMBIE, _STOPPED, _EXITING = (int(flag) for flag in numbers.PidInfoFlag)


class Pids(NamedTuple):
    """``struct procctl_reaper_pids``, where the array is to be another than the one that the wrapper supplies."""

    wanted: int
    pids: structs.Pointer = structs.OMITTED


class ReadOnlyKill(NamedTuple):
    """A request of PROC_REAP_KILL in memory that cannot be written to."""

    request: structs.ReaperKill


def reap_acquire(main: bool, process: Proc, target: Proc, data: None) -> None:
    """reap_acquire(): children that are there already stay where they are (FR-7)."""
    if target is not process:
        raise refusal("procctl", "EPERM", "a process can make only itself a reaper")
    if target.domain is not None:
        raise refusal("procctl", "EBUSY", operation="PROC_REAP_ACQUIRE")
    target.domain = {}


def reap_release(main: bool, process: Proc, target: Proc, data: None) -> None:
    """reap_release(): the whole domain goes to the reaper above at once."""
    if target is not process:
        raise refusal("procctl", "EPERM", "a process can release only its own domain")
    if target.parent is None or target.domain is None:
        raise refusal("procctl", "EINVAL", operation="PROC_REAP_RELEASE")  # FR-2
    reaplists.abandon(target, False)


def reap_status(target: Proc) -> structs.ReaperStatusFreeBSD:
    """reap_status(): FR-4 to FR-8."""
    reaper = reaplists.reaper_of(target)
    flags = numbers.REAPER_STATUS_OWNED if reaper is target else 0
    if reaper.parent is None:
        flags |= numbers.REAPER_STATUS_REALINIT
    domain = reaper.domain
    assert domain is not None
    pid = -1
    if domain:
        pid = next(reversed(domain)) if reaper.first_child is None else reaper.first_child.pid
    children = sum((member.real_parent or member.parent) is reaper for member in domain.values())
    return structs.ReaperStatusFreeBSD(int(flags), children, len(domain), reaper.pid, pid)


def reap_getpids(main: bool, process: Proc, target: Proc, data: Any) -> list[structs.ReaperPidInfo]:
    """reap_getpids(): FP-1 to FP-10."""
    reaper = reaplists.reaper_of(target)
    infos = [structs.ReaperPidInfo(*described) for described in pid_fields(reaper, main)]
    if data is not structs.OMITTED:
        wanted = data.wanted if isinstance(data, Pids) else data
        del infos[wanted & 0xFFFFFFFF :]
    if infos and isinstance(data, Pids) and data.pids is not structs.OMITTED:
        raise refusal("procctl", "EFAULT", "the array for the pids is at a pointer that gives no memory")
    return infos


def pid_fields(reaper: Proc, main: bool) -> list[list[int]]:
    """Return pid, subtree and flags (FP-6) of every member of a domain, the newest first (FP-4)."""
    found = []
    for member in reaplists.members(reaper):
        flags = _VALID | _CHILD if (member.real_parent or member.parent) is reaper else _VALID
        if member.domain is not None:
            flags |= _REAPER
        if main:
            flags |= (_STOPPED if member.state is STOPPED else 0) | (_ZOMBIE if member.state is ZOMBIE else 0)
        found.append([member.pid, member.subtree, flags])
    return found


def reap_kill(main: bool, process: Proc, target: Proc, data: Any) -> structs.ReaperKilled:
    """reap_kill(): see reapkill."""
    request = data.request if isinstance(data, ReadOnlyKill) else data
    if not isinstance(request, structs.ReaperKill):
        raise TypeError(f"PROC_REAP_KILL takes a ReaperKill, not {type(request).__name__}")
    return reapkill.kill(process, target, request, main)


def pdeathsig_ctl(process: Proc, target: Proc, value: int) -> None:
    """pdeathsig_ctl(): FD-4; a number that is no signal is refused."""
    if not 0 <= value <= numbers.SIG_MAXSIG:
        raise refusal("procctl", "EINVAL", "a signal is 1 to 128; 0 is none")
    target.deathsig = value


def pdeathsig_status(target: Proc) -> int:
    """pdeathsig_status()."""
    return int(target.deathsig)
