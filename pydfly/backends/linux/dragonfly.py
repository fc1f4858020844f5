"""DragonFly's calls kept live on Linux: prctl for domains and the parent-death signal, the package's own registry
for residency.

Linux differs in three things: descendants from before ACQUIRE are adopted although they stay
out of the counts, nested domains cannot be told apart, and the order of adoption is unknown.
"""

from __future__ import annotations

import os

from ... import errors, structs
from ...structs import NULL, OMITTED
from .. import arguments
from ..absent import NoModules
from .domain import Domain
from .process import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...structs import Data, Program, ResidentEntry
    from ..registry.rules import Registry

_OWNED, _REALINIT = 0x1, 0x2  # constants.dragonfly.ReaperFlag, whose enums a fresh interpreter pays 4 ms for


class Linux(NoModules):
    """The calling process, on a Linux kernel, with DragonFly's semantics."""

    name = "linux"
    flavour = "dragonfly"
    live = True

    def __init__(self, euid: int | None, state_dir: str | None) -> None:
        self.processes = Domain()
        self._euid = euid
        self._state_dir = state_dir
        self._registry: Registry | None = None
        self._warned = False
        self.commands: dict[str, Callable[[Data], object]] = {
            "PROC_REAP_ACQUIRE": self._acquire,
            "PROC_REAP_RELEASE": self._release,
            "PROC_REAP_STATUS": self._status,
            "PROC_PDEATHSIG_CTL": self._set_deathsig,
            "PROC_PDEATHSIG_STATUS": self._get_deathsig,
        }

    def procctl(self, idtype: int, id: int, cmd: int, data: Data) -> object:
        """Do DragonFly's checks in DragonFly's order (sys/kern/kern_fork.c, sys_procctl()), then the command."""
        from ...constants import dragonfly

        idtype, id, cmd = arguments.procctl(idtype, id, cmd)
        try:
            name = dragonfly.Command(cmd).name
        except ValueError:
            name = ""
        data = arguments.dragonfly_data(name, data)
        if idtype != dragonfly.P_PID:
            raise errors.refusal("procctl", "EINVAL", "the idtype must be P_PID")
        if id not in (0, os.getpid()):
            raise errors.refusal(
                "procctl", "EINVAL", "the id must be 0 or the caller's own pid: DragonFly acts on the caller only"
            )
        if not name:
            raise errors.refusal("procctl", "EINVAL", f"DragonFly knows no command {cmd}")
        return self.commands[name](data)

    def _acquire(self, data: Data) -> None:
        if not OWN.acquire():
            raise errors.refusal("procctl", "EALREADY", operation="PROC_REAP_ACQUIRE")

    def _release(self, data: Data) -> None:
        if not OWN.release():
            raise errors.refusal("procctl", "ENOTCONN", operation="PROC_REAP_RELEASE")

    def _status(self, data: Data) -> structs.ReaperStatus | None:
        if data is NULL:
            return None
        arguments.output(data, "PROC_REAP_STATUS")
        descendants = self.processes.below(os.getpid())
        flags = refs = 0
        if OWN.is_reaper():
            flags = _OWNED | (_REALINIT if os.getpid() == 1 else 0)
            refs = sum(process.state != "zombie" for process in self.processes.members(descendants))
        own = os.getpid()
        children = [process for process in descendants if process.ppid == own]
        # DragonFly: the child attached last.  Linux does not tell when it was adopted: the youngest one
        newest = max(children, key=lambda process: (process.start_time, process.pid)).pid if children else -1
        return structs.ReaperStatus(flags, refs, newest)

    def _set_deathsig(self, data: Data) -> None:
        from ...constants import dragonfly

        signal = arguments.input_int(data, "PROC_PDEATHSIG_CTL", null="EINVAL")
        if not 0 <= signal <= dragonfly.SIG_MAXSIG:
            return  # the kernel ignores it silently
        arguments.refuse_fatal(signal)
        try:
            OWN.deathsig.set(signal)
        except errors.SyscallError:
            raise
        except OSError as error:
            raise errors.refusal_of(error, "procctl", error.strerror) from None

    def _get_deathsig(self, data: Data) -> int:
        if data is not OMITTED:
            if data is NULL:
                raise errors.refusal(
                    "procctl", "EINVAL", "PROC_PDEATHSIG_STATUS needs memory for an int, and NULL gives none"
                )
            arguments.output(data, "PROC_PDEATHSIG_STATUS")
        return OWN.deathsig.get()

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Register the binary of this process in the package's registry; nothing changes for later execs."""
        entry = arguments.address(entry, "entry")
        if not unsafe and not self._warned:
            self._warned = True
            arguments.warn_unsafe()
        self._records().register(_own_binary(), entry)

    def exec_sys_unregister(self, id: int) -> int:
        """Remove registrations from the package's registry."""
        return self._records().unregister(arguments.c_value(id, "int", "id"), _own_binary())

    def vm_resident(self) -> list[ResidentEntry]:
        """List the package's registry."""
        return self._records().entries()

    def make_resident(self, program: Program) -> None:
        """Register a program, as the runtime linker of DragonFly would register it."""
        self._records().register(program, arguments.address(program.entry, "entry"))

    def unmake_resident(self, program: Program) -> None:
        """Remove a program's registration, as the runtime linker would with unregister(-1)."""
        from ...constants import dragonfly

        self._records().unregister(dragonfly.ResidentId.OWN, program)

    def _records(self) -> Registry:
        if self._registry is None:
            from ..registry.rules import Registry

            self._registry = Registry(self._euid, self._state_dir)
        return self._registry


def _own_binary() -> Program:
    """Return the file that this process runs: its text vnode."""
    from ..registry.rules import program_at

    return program_at("/proc/self/exe")
