"""DragonFly's procctl: five commands on the calling process.  Source: sys/kern/kern_fork.c, sys_procctl()."""

from __future__ import annotations

import os

from ... import errors
from ...constants import dragonfly
from ...structs import NULL, OMITTED, Pointer, ReaperKill, ReaperStatus
from .. import arguments, forked_children
from ..outsiders import OWN as OUTSIDERS
from .binding import Commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...structs import Data, DescendantInfo
    from .rawcall import RawCall


class DragonFlyCommands(Commands):
    """The five commands, and which processes are members: DragonFly does not list them."""

    status_type = "struct reaper_status *"

    def __init__(self, call: RawCall) -> None:
        super().__init__(call)
        self.table = {
            int(dragonfly.PROC_REAP_ACQUIRE): self._acquire,
            int(dragonfly.PROC_REAP_RELEASE): self._release,
            int(dragonfly.PROC_REAP_STATUS): self.status,
            int(dragonfly.PROC_PDEATHSIG_CTL): self._set_deathsig,
            int(dragonfly.PROC_PDEATHSIG_STATUS): self._get_deathsig,
        }

    def members(self) -> list[DescendantInfo]:
        """Walk over parents; a process that was there before ACQUIRE is no member, nor is what comes from it."""
        below = self.processes.below(os.getpid())
        status = self.status(int(dragonfly.P_PID), 0, int(dragonfly.PROC_REAP_STATUS), OMITTED)
        return OUTSIDERS.without(below) if status.owned else below

    def _acquire(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        memory = self.call.memory(NULL if isinstance(data, ReaperKill) else data)
        try:
            before = self.processes.below(os.getpid())
        except errors.SyscallError:  # no reason to refuse what the kernel allows
            before = []
        self.acquire(idtype, id, cmd, memory, "PROC_REAP_ACQUIRE")
        OUTSIDERS.note(before)

    def _release(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        memory = self.call.memory(NULL if isinstance(data, ReaperKill) else data)
        # EINVAL means a wrong idtype or id here, never "not a reaper"
        told = "PROC_REAP_RELEASE" if idtype == 0 and id in (0, os.getpid()) else ""
        self.call.control(idtype, id, cmd, memory, told)
        forked_children.stop()

    def _set_deathsig(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        memory = self.call.reads_int(data, "PROC_PDEATHSIG_CTL")
        if not isinstance(data, Pointer):
            arguments.procctl(idtype, id, cmd)  # what C could not take is told first, as where a call is made
            arguments.refuse_fatal(memory[0])
        self.call.control(idtype, id, cmd, memory)

    def _get_deathsig(self, idtype: int, id: int, cmd: int, data: Data) -> int | None:
        memory = self.call.writes_into(data, "int *", "PROC_PDEATHSIG_STATUS")
        self.call.control(idtype, id, cmd, memory)
        return None if data is not OMITTED else int(memory[0])

    @staticmethod
    def decoded(memory: Any) -> ReaperStatus:
        """Return DragonFly's record."""
        return tuple.__new__(ReaperStatus, (memory.flags, memory.refs, memory.pid_head))
