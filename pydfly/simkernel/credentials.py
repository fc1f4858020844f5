"""User and group ids, process groups and sessions: sys/kern/kern_prot.c of both systems."""

from __future__ import annotations

from ..errors import refusal
from .proc import Proc


def setuid(process: Proc, uid: int) -> None:
    """sys_setuid(): allowed for the real or effective uid, or to root; sets all three ids."""
    if process.euid != 0 and uid not in (process.ruid, process.euid):
        raise refusal("setuid", "EPERM", "only the superuser may take another user's id")
    if (process.ruid, process.euid, process.svuid) != (uid, uid, uid):
        process.setid_mark = True  # sys/kern/kern_prot.c, setsugid()
    process.ruid = process.euid = process.svuid = uid


def setgid(process: Proc, gid: int) -> None:
    """sys_setgid(): allowed for the real or effective gid, or to root; sets all three ids."""
    if process.euid != 0 and gid not in (process.rgid, process.egid):
        raise refusal("setgid", "EPERM", "only the superuser may take another group's id")
    if (process.rgid, process.egid, process.svgid) != (gid, gid, gid):
        process.setid_mark = True
    process.rgid = process.egid = process.svgid = gid


def setpgid(process: Proc, pid: int, pgid: int) -> None:
    """sys_setpgid(): the caller or one of its children, within one session."""
    target = process if pid in (0, process.pid) else process.kernel.find(pid)
    if target is None or (target is not process and target.parent is not process):
        raise refusal("setpgid", "ESRCH", "it is neither the calling process nor a child of it")
    if target.sid != process.sid or target.sid == target.pid:
        raise refusal("setpgid", "EPERM", "it is in another session, or leads one")
    if pgid < 0:
        raise refusal("setpgid", "EINVAL", "a process group id is never negative")
    wanted = pgid or target.pid
    if wanted != target.pid and not any(
        other.pgid == wanted and other.sid == process.sid for other in process.kernel.processes()
    ):
        raise refusal("setpgid", "EPERM", "there is no such process group in this session")
    target.pgid = wanted


def setsid(process: Proc) -> int:
    """sys_setsid(): refused while any process is in the group that would be the new session's."""
    if any(other.pgid == process.pid for other in process.kernel.processes()):
        raise refusal("setsid", "EPERM", "a process group with this id exists already")
    process.pgid = process.sid = process.pid
    return process.pid


def is_privileged(process: Proc) -> bool:
    """priv_check_cred() and prison_priv_check() for what no jail may do: effective uid 0, and not jailed."""
    return process.euid == 0 and not process.jailed
