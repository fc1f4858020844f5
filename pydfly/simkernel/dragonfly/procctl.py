"""DragonFly's procctl(2): sys/kern/kern_fork.c, sys_procctl()."""

from __future__ import annotations

from operator import index

from ... import structs
from ...constants.bsd import IdType
from ...constants.dragonfly import Command
from ...errors import refusal
from ...structs import Data
from ..proc import Proc
from . import reaping

_P_PID = int(IdType.P_PID)
_LAST_SIGNAL = 128  # _SIG_MAXSIG of sys/sys/_sigset.h; accepted here although no signal set has room for it (DP-10)


def procctl(process: Proc, idtype: int, id: int, cmd: int, data: Data = structs.OMITTED) -> object:
    """Make the checks in the kernel's order: idtype, id, command; then what the command does.

    idtype and cmd are 32 bit, id is 64: higher bits of the first two are not looked at.
    """
    if idtype & 0xFFFFFFFF != _P_PID:
        raise refusal("procctl", "EINVAL", "DragonFly accepts no idtype but P_PID")
    if id not in (0, process.pid):
        raise refusal("procctl", "EINVAL", "DragonFly lets a process control itself only: id is 0 or the own pid")
    command = COMMANDS.get(cmd & 0xFFFFFFFF)
    if command is None:
        raise refusal("procctl", "EINVAL", "DragonFly has no such command")
    return command(process, data)


def _acquire(process: Proc, data: Data) -> None:
    """DP-1: the data is not looked at."""
    if reaping.owns(process):
        raise refusal("procctl", "EALREADY", operation="PROC_REAP_ACQUIRE")
    reaping.acquire(process)


def _release(process: Proc, data: Data) -> None:
    """DP-2: the data is not looked at.  init is not refused, but KKASSERT(reap != NULL) the second time."""
    if process.node is None:
        process.kernel.panic("PROC_REAP_RELEASE by init, which has released the root domain already")
    if not reaping.owns(process):
        raise refusal("procctl", "ENOTCONN", operation="PROC_REAP_RELEASE")
    reaping.release(process)


def _status(process: Proc, data: Data) -> structs.ReaperStatus | None:
    """DP-3 to DP-6: nothing is refused but a bad pointer; pid_head is loaded for non-reapers too."""
    if data is structs.BAD_POINTER:
        raise refusal("procctl", "EFAULT")
    if data is structs.NULL:
        return None
    node = process.node
    head = process.first_child
    pid_head = -1 if head is None else head.pid
    if node is None or node.owner is not process:
        return structs.ReaperStatus(0, 0, pid_head)
    return structs.ReaperStatus(node.flags, node.refs - 1, pid_head)


def _pdeathsig_ctl(process: Proc, data: Data) -> None:
    """DP-9: a number that is no signal is ignored without an error; 128 is stored (DP-10)."""
    _need_memory(data)
    value = 0 if data is structs.OMITTED else data
    if not isinstance(value, int):
        value = index(value)  # type: ignore[arg-type]
    if 0 <= value <= _LAST_SIGNAL:
        process.deathsig = value


def _pdeathsig_status(process: Proc, data: Data) -> int:
    """DP-8."""
    _need_memory(data)
    return int(process.deathsig)


def _need_memory(data: Data) -> None:
    if data is structs.NULL:
        raise refusal("procctl", "EINVAL", "the command needs memory, and got a null pointer")
    if data is structs.BAD_POINTER:
        raise refusal("procctl", "EFAULT")


COMMANDS = {
    int(Command.PROC_REAP_ACQUIRE): _acquire,
    int(Command.PROC_REAP_RELEASE): _release,
    int(Command.PROC_REAP_STATUS): _status,
    int(Command.PROC_PDEATHSIG_CTL): _pdeathsig_ctl,
    int(Command.PROC_PDEATHSIG_STATUS): _pdeathsig_status,
}
"""What each command does."""
