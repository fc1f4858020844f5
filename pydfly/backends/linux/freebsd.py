"""FreeBSD's procctl kept live on Linux: its checks in its order, and what Linux has for each command.

What Linux does not have is refused with ENOSYS, never imitated.  For a process that is no reaper Linux does not tell
which process its reaper is, nor whether another process is one: such fields are None, such requests EOPNOTSUPP.
"""

from __future__ import annotations

import os

from ... import structs
from ...constants.freebsd import PROC_PROCCTL_MD_MIN, SIG_MAXSIG, Command, IdType
from ...errors import SyscallError, refusal, refusal_of
from ...structs import BAD_POINTER, NULL, ReaperKilled
from .. import arguments, freebsd_arguments
from ..absent import NoModules, NoResidency
from .controls import CONTROLS
from .deathsig import HIGHEST
from .freebsd_domain import FreeBSDDomain
from .process import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...structs import Data, DescendantInfo

_GROUP_COMMANDS = frozenset({Command.PROC_SPROTECT, Command.PROC_TRACE_CTL, Command.PROC_TRAPCAP_CTL})
_DEATHSIG_COMMANDS = frozenset({Command.PROC_PDEATHSIG_CTL, Command.PROC_PDEATHSIG_STATUS})
_NO_DATA = frozenset({Command.PROC_REAP_ACQUIRE, Command.PROC_REAP_RELEASE})
_CHILDREN, _SUBTREE = 1, 2  # REAPER_KILL_*
_UNTOUCHED = ReaperKilled(0, -1)


class LinuxFreeBSD(NoModules, NoResidency):
    """The calling process, on a Linux kernel, with FreeBSD's semantics."""

    name = "linux"
    flavour = "freebsd"
    live = True
    commands: dict[str, Callable[[Data], object]] = {}

    def __init__(self) -> None:
        self.processes = FreeBSDDomain()
        self._commands: dict[int, Callable[[DescendantInfo | None, Any], object]] = {
            Command.PROC_REAP_ACQUIRE: self._acquire,
            Command.PROC_REAP_RELEASE: self._release,
            Command.PROC_REAP_STATUS: self._status,
            Command.PROC_REAP_GETPIDS: self._getpids,
            Command.PROC_REAP_KILL: self._kill,
            Command.PROC_PDEATHSIG_CTL: self._set_deathsig,
            Command.PROC_PDEATHSIG_STATUS: self._get_deathsig,
            **CONTROLS,
        }

    def procctl(self, idtype: int, id: int, cmd: int, data: Data) -> object:
        """Do FreeBSD's checks in FreeBSD's order (sys/kern/kern_procctl.c), then the command."""
        idtype, id, cmd = arguments.procctl(idtype, id, cmd)
        data = freebsd_arguments.checked(cmd, data)
        try:
            command = Command(cmd)
        except ValueError:
            raise refusal("procctl", "EINVAL", f"FreeBSD has no command {cmd}") from None
        if cmd >= PROC_PROCCTL_MD_MIN:
            raise refusal(
                "procctl", "EINVAL", f"{command.name} is for amd64 on FreeBSD: this machine has no such command"
            )
        pointless = data is NULL or data is BAD_POINTER
        reads = not command.name.endswith("_STATUS")
        if command in _NO_DATA:
            if data is not NULL and data is not structs.OMITTED:
                raise refusal("procctl", "EINVAL", f"{command.name} takes no data: NULL, and nothing else")
        elif pointless and reads:
            raise refusal("procctl", "EFAULT", operation=command.name)
        try:
            target = self._target(command, idtype, id)
            result = freebsd_arguments.unsigned(self._run(command, target, data))
        except SyscallError as error:
            if command is Command.PROC_REAP_KILL and error.result is None:
                error.result = _UNTOUCHED  # the kernel copies the structure back after any error
            raise
        if pointless and not reads:  # the kernel writes the result last
            raise refusal("procctl", "EFAULT", operation=command.name)
        return result

    def _target(self, command: Command, idtype: int, id: int) -> DescendantInfo | None:
        """Find the process that is meant; None: the calling one."""
        if idtype == IdType.P_PGID and command in _GROUP_COMMANDS:
            if os.getpgrp() == id and id:
                return None  # FG-1: the others are skipped, because Linux lets a process act on itself only
            raise refusal("procctl", "ESRCH", "no process of that group can be acted on")
        if idtype != IdType.P_PID:
            raise refusal("procctl", "EINVAL", f"{command.name} does not take this idtype")
        pid = ((id + 2**31) & 0xFFFFFFFF) - 2**31
        if id == 0 or pid == os.getpid():
            return None
        lost = "EINVAL" if command in _DEATHSIG_COMMANDS else "ESRCH"
        try:
            found = self.processes.info(pid) if pid > 0 else None
        except ProcessLookupError:
            found = None
        if found is None or found.state == "zombie":
            raise refusal("procctl", lost, "there is no such process, or it is a zombie")
        if command in _DEATHSIG_COMMANDS:
            raise refusal("procctl", "EINVAL", "the parent-death signal is every process's own affair")
        return found

    def _run(self, command: Command, target: DescendantInfo | None, data: Data) -> object:
        run = self._commands.get(command)
        if run is None:
            raise refusal("procctl", "ENOSYS", f"Linux has nothing that does what {command.name} does")
        try:
            return run(target, data)
        except SyscallError:
            raise
        except OSError as error:
            raise refusal_of(error, "procctl", f"{command.name}: {error.strerror}") from error

    def _acquire(self, target: DescendantInfo | None, data: Data) -> None:
        if target is not None:
            raise refusal("procctl", "EPERM", "a process can make only itself a reaper")
        if not OWN.acquire():
            raise refusal("procctl", "EBUSY", operation="PROC_REAP_ACQUIRE")

    def _release(self, target: DescendantInfo | None, data: Data) -> None:
        if target is not None:
            raise refusal("procctl", "EPERM", "a process can release only its own domain")
        if not OWN.release():
            raise refusal("procctl", "EINVAL", operation="PROC_REAP_RELEASE")

    def _status(self, target: DescendantInfo | None, data: Data) -> structs.ReaperStatusFreeBSD:
        """FR-4 to FR-8, as far as Linux tells."""
        own = os.getpid()
        if target is None and not OWN.is_reaper():
            # the nearest ancestor that is a reaper: known only where that is the one ancestor
            reaper = 1 if os.getppid() == 1 else None
            return structs.ReaperStatusFreeBSD(2 if reaper else 0, None, None, reaper, None)
        members = self._members_with(target)
        children = [process for process in members if process.ppid == own]
        # FreeBSD: the child attached last.  Linux does not tell when it was adopted: the youngest one
        newest = max(children or members, key=_age).pid if members else -1
        flags = (1 if target is None else 0) | (2 if own == 1 else 0)
        return structs.ReaperStatusFreeBSD(flags, len(children), len(members), own, newest)

    def _getpids(self, target: DescendantInfo | None, data: Data) -> list[structs.ReaperPidInfo]:
        """FP-1 to FP-10, as far as Linux tells: not whether a member is a reaper."""
        own = os.getpid()
        members = self._members_with(target)
        subtrees = self.processes.subtrees(members)
        infos = [
            structs.ReaperPidInfo(process.pid, subtrees[process.pid], 1 | (2 if process.ppid == own else 0))
            for process in sorted(members, key=_age, reverse=True)
        ]
        return infos[:data] if isinstance(data, int) else infos

    def _members_with(self, target: DescendantInfo | None) -> list[DescendantInfo]:
        """Return the members of this process's domain, which the target must be one of."""
        if OWN.is_reaper():
            members = self.processes.descendants()
            if target is None or target.identity in {process.identity for process in members}:
                return members
        raise refusal("procctl", "EOPNOTSUPP", "Linux does not tell the reaper of a process that is none itself")

    def _kill(self, target: DescendantInfo | None, request: structs.ReaperKill) -> ReaperKilled:
        """FK-2 to FK-4; a call that signalled any process succeeds, which FreeBSD's own does not always (FK-9)."""
        flags = int(request.flags)
        if not 0 < request.sig <= SIG_MAXSIG or flags not in (0, _CHILDREN, _SUBTREE):
            raise refusal("procctl", "EINVAL", "rk_sig is no signal, or rk_flags are unknown or exclude each other")
        if target is not None or not OWN.is_reaper():  # FK-11
            raise refusal(
                "procctl",
                "EPERM",
                "a process that is no reaper stands for its reaper, whose whole domain would die: acquire first",
            )
        if request.sig > HIGHEST:
            raise refusal("procctl", "EOPNOTSUPP", f"Linux has no signal {request.sig}")
        if flags == _CHILDREN:
            killed, refused = self.processes.signal_children(request.sig)
        else:
            killed, refused = self.processes.signal_members(request.sig, request.subtree if flags else None)
        result = ReaperKilled(killed, refused if refused is not None else -1)
        if not killed:
            raise refusal("procctl", "ESRCH" if refused is None else "EPERM", result=result)
        return result

    def _set_deathsig(self, target: DescendantInfo | None, value: int) -> None:
        if not 0 <= value <= SIG_MAXSIG:
            raise refusal("procctl", "EINVAL", "a signal is 1 to 128; 0 is none")
        OWN.deathsig.set(value)

    def _get_deathsig(self, target: DescendantInfo | None, data: Data) -> int:
        return OWN.deathsig.get()


def _age(process: DescendantInfo) -> tuple[float, int]:
    return process.start_time, process.pid
