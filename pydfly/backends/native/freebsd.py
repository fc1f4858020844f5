"""FreeBSD's procctl.  Source: sys/kern/kern_procctl.c."""

from __future__ import annotations

import os

from ... import errors
from ...constants import freebsd
from ...structs import BAD_POINTER, NULL, OMITTED, ReaperKill, ReaperKilled, ReaperPidInfo, ReaperStatusFreeBSD
from .. import arguments, forked_children, freebsd_arguments
from .binding import Commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...structs import Data, DescendantInfo
    from .rawcall import RawCall

_P_PID = int(freebsd.P_PID)
_STATUS = int(freebsd.PROC_REAP_STATUS)
_GETPIDS = int(freebsd.PROC_REAP_GETPIDS)
_MOST_PIDS = 100_000  # PID_MAX is 99999: there are no more processes to list
_KILL_FLAGS = (0, int(freebsd.REAPER_KILL_CHILDREN), int(freebsd.REAPER_KILL_SUBTREE))


class FreeBSDCommands(Commands):
    """Every command of the headers, and which processes are members: the kernel lists them."""

    status_type = "struct procctl_reaper_status *"

    def __init__(self, call: RawCall, unsafe_reap_kill: bool) -> None:
        super().__init__(call)
        self.names_itself = True
        self._unsafe_reap_kill = unsafe_reap_kill
        self._names = {int(command): command.name for command in freebsd.Command}
        for number, name in self._names.items():
            self.table[number] = self._write_int if name.endswith("_STATUS") else self._read_int
        self.table[int(freebsd.PROC_REAP_ACQUIRE)] = self.table[int(freebsd.PROC_REAP_RELEASE)] = self._take_nothing
        self.table[_STATUS] = self.status
        self.table[_GETPIDS] = self._get_pids
        self.table[int(freebsd.PROC_REAP_KILL)] = self._kill

    def members(self) -> list[DescendantInfo]:
        """Every process below this one except its children from before ACQUIRE: the kernel's list leaves those out.

        The list also leaves out the members of domains inside this one.  They belong to it: they are found by their
        parents, even while the reaper of such a domain is a zombie, which keeps PROC_REAP_KILL away from them (FK-2).
        """
        own = os.getpid()
        status = self.status(_P_PID, own, _STATUS, OMITTED)
        if not status.owned:
            return self.processes.below(own)
        everyone = self.processes.everyone()
        pids = {member.pid for member in self._get_pids(_P_PID, own, _GETPIDS, OMITTED)}
        listed = {process.pid for process in everyone}
        children: dict[int, list[DescendantInfo]] = {}
        for process in everyone:
            # its parent may have died while the kernel made the list
            orphan = process.pid in pids and process.ppid not in listed
            children.setdefault(own if orphan else process.ppid, []).append(process)
        found = [process for process in children.pop(own, ()) if process.pid in pids]
        for process in found:  # grows while it is walked
            found += children.pop(process.pid, ())
        return found

    def _take_nothing(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        freebsd_arguments.checked(cmd, data)
        memory = self.call.memory(0 if isinstance(data, ReaperKill) else data)
        # EINVAL means "not a reaper" only if nothing else can be wrong
        told = "" if idtype != _P_PID or memory != self.call.null else self._names[cmd]
        if cmd == freebsd.PROC_REAP_ACQUIRE:
            self.acquire(idtype, id, cmd, memory, told)
        else:
            self.call.control(idtype, id, cmd, memory, told)
            forked_children.stop()

    def _read_int(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        self.call.control(idtype, id, cmd, self.call.reads_int(data, self._names[cmd]))

    def _write_int(self, idtype: int, id: int, cmd: int, data: Data) -> int | None:
        memory = self.call.writes_into(data, "unsigned int *", self._names[cmd])  # K-4: never negative
        self.call.control(idtype, id, cmd, memory)
        return int(memory[0]) if data is OMITTED else None

    def _get_pids(self, idtype: int, id: int, cmd: int, data: Data) -> list[ReaperPidInfo]:
        if data is NULL or data is BAD_POINTER:
            self.call.control(idtype, id, cmd, self.call.memory(data))
            return []
        checked = freebsd_arguments.checked(cmd, data)
        if checked is not OMITTED:
            assert isinstance(checked, int)
            return self._list(idtype, id, cmd, min(checked, _MOST_PIDS))
        room = 64
        # every slot was filled: there may be more
        while len(found := self._list(idtype, id, cmd, room)) == room and room < _MOST_PIDS:
            room *= 4
        return found

    def _list(self, idtype: int, id: int, cmd: int, room: int) -> list[ReaperPidInfo]:
        """Ask for at most so many; the kernel does not say how many it wrote, but marks each."""
        entries = self.call.ffi.new("struct procctl_reaper_pidinfo[]", room)  # zeroed, and held until they are read
        request = self.call.ffi.new("struct procctl_reaper_pids *")
        request.rp_count = room
        request.rp_pids = entries
        self.call.control(idtype, id, cmd, request)
        found = []
        for entry in entries:
            if not entry.pi_flags & int(freebsd.REAPER_PIDINFO_VALID):
                break
            found.append(ReaperPidInfo(entry.pi_pid, entry.pi_subtree, entry.pi_flags))
        return found

    def _kill(self, idtype: int, id: int, cmd: int, data: Data) -> ReaperKilled | None:
        if data is NULL or data is BAD_POINTER:
            self.call.control(idtype, id, cmd, self.call.memory(data))
            return None
        wish: Any = freebsd_arguments.checked(cmd, data)
        if not self._unsafe_reap_kill and 0 < wish.sig <= freebsd.SIG_MAXSIG and wish.flags in _KILL_FLAGS:
            self._require_own_domain(idtype, id)
        request = self.call.ffi.new("struct procctl_reaper_kill *")
        request.rk_sig, request.rk_flags, request.rk_subtree = wish
        failed = self.call.ffi.errno if self.call.lib.procctl(idtype, id, cmd, request) else None
        result = ReaperKilled(request.rk_killed, request.rk_fpid)
        if failed is not None:
            raise self.call.refusal("procctl", failed, result=result)
        return result

    def _require_own_domain(self, idtype: int, id: int) -> None:
        """FK-11: a process that is no reaper stands for its reaper, usually init: every process would be signalled."""
        try:
            status = self.status(idtype, id, _STATUS, OMITTED)
        except errors.SyscallError:
            return  # the call itself will say it
        if not status.owned:
            raise errors.refusal(
                "procctl",
                "EPERM",
                f"process {arguments.c_value(id, 'int64_t', 'id')} is no reaper, so the whole domain of its reaper "
                f"{status.reaper} would be signalled; use('native', unsafe_reap_kill=True) allows it",
            )

    @staticmethod
    def decoded(memory: Any) -> ReaperStatusFreeBSD:
        """Return FreeBSD's record."""
        return tuple.__new__(
            ReaperStatusFreeBSD,
            (memory.rs_flags, memory.rs_children, memory.rs_descendants, memory.rs_reaper, memory.rs_pid),
        )
