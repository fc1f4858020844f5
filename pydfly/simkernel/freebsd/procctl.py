"""FreeBSD's procctl(2): sys/kern/kern_procctl.c, sys_procctl() and kern_procctl(), in their order of checks.

Each command is a row of a table: how it reads and writes memory, whether it takes process groups, which right to the
target it needs, and what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

from ... import structs
from ...constants import freebsd as numbers
from ...constants.freebsd import Command
from ...errors import SyscallError, refusal
from ...named_tuple import NamedTuple
from ...structs import Data
from ..proc import Proc
from . import controls, permissions, reapcommands, reapkill
from .reapcommands import ReadOnlyKill

READS, WRITES, NOTHING, LIST, KILL = "reads", "writes", "nothing", "list", "kill"
_P_PID, _P_PGID = int(numbers.P_PID), int(numbers.P_PGID)


class Row(NamedTuple):
    """``struct procctl_cmd_info``: one command."""

    name: str
    memory: str
    """What it does with the data."""
    groups: bool
    """P_PGID is allowed (``one_proc`` is not set)."""
    debug: bool
    """p_candebug() is asked, not p_cansee() (``need_candebug``)."""
    run: Callable[..., Any]
    own: bool
    """Only for the process itself: an unknown pid is EINVAL (``esrch_is_einval``), and so is another's."""


class Procctl:
    """The system call of one kernel; ``main``: by the rules of those after 13.2.  Its own process is in group 0."""

    def __init__(self, main: bool, kernel_process: Proc) -> None:
        self.main = main
        self._kernel_process = kernel_process
        self._rows = MAIN_ROWS if main else ROWS

    def __call__(self, process: Proc, idtype: int, id: int, cmd: int, data: Any) -> object:
        """Make the call.  idtype and cmd are 32 bit; of id only 0 is looked at as 64."""
        idtype &= 0xFFFFFFFF
        cmd = _signed(cmd)
        if cmd >= numbers.PROC_PROCCTL_MD_MIN:
            return self._machine(process, idtype, id, cmd, data)
        row = self._rows.get(cmd)
        if row is None:
            raise refusal("procctl", "EINVAL", "this kernel has no such command")
        value = _copy_in(row, data)
        try:
            result = self._act(process, row, idtype, id, value)
        except SyscallError as error:
            if row.memory is KILL:
                _copy_back(data, error)
            raise
        if row.memory is WRITES or row.memory is KILL:
            _copy_out(row, data)
        return result

    def _act(self, process: Proc, row: Row, idtype: int, id: int, value: Any) -> object:
        """kern_procctl(): find the target, ask for the right, and do it."""
        if idtype == _P_PID:
            return self._run(row, process, self._one(process, row, id), value)
        if not row.groups:
            raise refusal("procctl", "EINVAL", f"{row.name} takes no idtype but P_PID")
        if idtype == _P_PGID:
            self._group(process, row, _signed(id), value)
            return None
        raise refusal("procctl", "EINVAL", f"{row.name} takes no idtypes but P_PID and P_PGID")

    def _run(self, row: Row, process: Proc, target: Proc, value: Any) -> object:
        if row.memory is READS:
            return row.run(process, target, value)
        if row.memory is WRITES:
            return row.run(target)
        return row.run(self.main, process, target, value)

    def _one(self, process: Proc, row: Row, id: int) -> Proc:
        if id == 0:  # of all 64 bits
            return process
        target = process.kernel.find(_signed(id))
        if target is None or not target.alive:
            raise refusal("procctl", "EINVAL" if row.own else "ESRCH", "there is no such process, or it is a zombie")
        refused = (permissions.candebug if row.debug else permissions.cansee)(process, target)
        if refused is not None:
            raise refusal("procctl", refused, "this process may not see, or not control, the one it named")
        if row.own and target is not process:
            raise refusal("procctl", "EINVAL", "the parent-death signal is every process's own affair")
        return target

    def _group(self, process: Proc, row: Row, pgid: int, value: Any) -> None:
        """FG-1 to FG-4.  Members come by pid here; the kernel's order depends on the history of the group."""
        done, first_error = False, None
        right = permissions.candebug if row.debug else permissions.cansee
        for member in [self._kernel_process] if pgid == 0 else process.kernel.processes():
            if member.pgid != pgid or not member.alive or right(process, member) is not None:
                continue
            try:
                row.run(process, member, value)
                done = True
            except SyscallError as error:
                first_error = first_error or error
        if not done:
            raise first_error or refusal("procctl", "ESRCH", "the group has no living member that may be acted on")

    def _machine(self, process: Proc, idtype: int, id: int, cmd: int, data: Any) -> int | None:
        """cpu_procctl() of sys/amd64/amd64/vm_machdep.c, which has an order of its own.  id 0 is pid 0, not self."""
        row = MACHINE_ROWS.get(cmd)
        if row is None:
            raise refusal("procctl", "EINVAL", "amd64 has no such machine-dependent command")
        if idtype != _P_PID:
            raise refusal("procctl", "EINVAL", f"{row.name} takes no idtype but P_PID")
        if row.name == "PROC_KPTI_CTL" and (process.euid != 0 or process.jailed):
            raise refusal("procctl", "EPERM", "page table isolation is the superuser's to change, either way")
        value = _copy_in(row, data)
        if row.memory is READS and not 1 <= value <= (2 if row.name == "PROC_KPTI_CTL" else 3):
            raise refusal("procctl", "EINVAL", f"{row.name} has no such value")
        target = self._kernel_process if _signed(id) == 0 else process.kernel.find(_signed(id))
        if target is None or not target.alive or permissions.cansee(process, target) is not None:
            raise refusal("procctl", "ESRCH", "there is no such process, or it is not to be seen")
        if row.memory is READS:
            row.run(process, target, value)
            return None
        result: int = row.run(target)
        _copy_out(row, data)
        return result


def _signed(number: int) -> int:
    """Cut to 32 bits."""
    return ((number + 2**31) & 0xFFFFFFFF) - 2**31


def _copy_in(row: Row, data: Any) -> Any:
    """Read what the command takes, before anything else is looked at."""
    if row.memory is WRITES:
        return None
    if row.memory is NOTHING:
        if data is not structs.NULL and data is not structs.OMITTED:
            raise refusal("procctl", "EINVAL", f"{row.name} takes no data: NULL, and nothing else")  # FR-3
        return None
    if data is structs.NULL or data is structs.BAD_POINTER:
        raise refusal("procctl", "EFAULT", f"{row.name} reads memory that the pointer does not give")
    if row.memory is READS:
        return data if isinstance(data, int) else 0 if data is structs.OMITTED else index(data)
    return data


def _copy_out(row: Row, data: Data) -> None:
    """Write the result, after the command has succeeded."""
    if data is structs.NULL or data is structs.BAD_POINTER or isinstance(data, ReadOnlyKill):
        raise refusal("procctl", "EFAULT", f"{row.name} writes to memory that the pointer does not give")


def _copy_back(data: Any, error: SyscallError) -> None:
    """Put into the error what PROC_REAP_KILL writes although it failed: what it did, or what it had got."""
    if isinstance(data, ReadOnlyKill):
        error.result = None
    elif error.result is None:
        error.result = reapkill.UNTOUCHED


def _table(*rows: tuple[Command, str, bool, bool, Callable[..., Any]]) -> dict[int, Row]:
    return {
        int(command): Row(command.name, memory, groups, debug, run, "PDEATHSIG" in command.name)
        for command, memory, groups, debug, run in rows
    }


ROWS = _table(
    (Command.PROC_SPROTECT, READS, True, False, controls.sprotect),
    (Command.PROC_REAP_ACQUIRE, NOTHING, False, False, reapcommands.reap_acquire),
    (Command.PROC_REAP_RELEASE, NOTHING, False, False, reapcommands.reap_release),
    (Command.PROC_REAP_STATUS, WRITES, False, False, reapcommands.reap_status),
    (Command.PROC_REAP_GETPIDS, LIST, False, False, reapcommands.reap_getpids),
    (Command.PROC_REAP_KILL, KILL, False, False, reapcommands.reap_kill),
    (Command.PROC_TRACE_CTL, READS, True, True, controls.trace_ctl),
    (Command.PROC_TRACE_STATUS, WRITES, False, False, controls.trace_status),
    (Command.PROC_TRAPCAP_CTL, READS, True, True, controls.trapcap_ctl),
    (Command.PROC_TRAPCAP_STATUS, WRITES, False, False, controls.trapcap_status),
    (Command.PROC_PDEATHSIG_CTL, READS, False, False, reapcommands.pdeathsig_ctl),
    (Command.PROC_PDEATHSIG_STATUS, WRITES, False, False, reapcommands.pdeathsig_status),
    (Command.PROC_ASLR_CTL, READS, False, True, controls.aslr_ctl),
    (Command.PROC_ASLR_STATUS, WRITES, False, False, controls.aslr_status),
    (Command.PROC_PROTMAX_CTL, READS, False, True, controls.protmax_ctl),
    (Command.PROC_PROTMAX_STATUS, WRITES, False, False, controls.protmax_status),
    (Command.PROC_STACKGAP_CTL, READS, False, True, controls.stackgap_ctl),
    (Command.PROC_STACKGAP_STATUS, WRITES, False, False, controls.stackgap_status),
    (Command.PROC_NO_NEW_PRIVS_CTL, READS, False, True, controls.no_new_privs_ctl),
    (Command.PROC_NO_NEW_PRIVS_STATUS, WRITES, False, False, controls.no_new_privs_status),
    (Command.PROC_WXMAP_CTL, READS, False, True, controls.wxmap_ctl),
    (Command.PROC_WXMAP_STATUS, WRITES, False, False, controls.wxmap_status),
)
"""The commands of 13.2."""
MAIN_ROWS = {
    **ROWS,
    **_table(
        (Command.PROC_LOGSIGEXIT_CTL, READS, False, True, controls.logsigexit_ctl),
        (Command.PROC_LOGSIGEXIT_STATUS, WRITES, False, False, controls.logsigexit_status),
    ),
}
"""The commands of later kernels."""
MACHINE_ROWS = _table(
    (Command.PROC_KPTI_CTL, READS, False, False, controls.kpti_ctl),
    (Command.PROC_KPTI_STATUS, WRITES, False, False, controls.kpti_status),
    (Command.PROC_LA_CTL, READS, False, False, controls.la_ctl),
    (Command.PROC_LA_STATUS, WRITES, False, False, controls.la_status),
)
"""The commands that only amd64 has."""
