"""DragonFly's calls kept live on Linux: prctl for domains and the parent-death signal, the package's own registry
for residency.

What Linux cannot give is listed where it matters: descendants from before ACQUIRE are adopted although they stay
out of the counts, nested domains cannot be told apart, and the order of adoption is unknown.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # threading's own, without what else threading costs a fresh interpreter

from ... import errors, structs
from ...structs import NULL, OMITTED
from .. import arguments
from ..outsiders import Outsiders
from . import prctl
from .deathsig import DeathSignal, UndeliverableError
from .procfs import ProcFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...structs import Data, DescendantInfo, Program, ResidentEntry
    from ..protocol import Backend
    from ..registry.rules import Registry

_OWNED, _REALINIT = 0x1, 0x2  # constants.dragonfly.ReaperFlag, whose enums a fresh interpreter pays 4 ms for


def obstacle() -> str | None:
    """Say why this backend cannot work here, or None."""
    if not sys.platform.startswith("linux"):
        return "this system is not Linux"
    return prctl.obstacle()


def start(flavour: str, *, euid: int | None = None, state_dir: str | None = None) -> Backend:
    """Make the backend.

    Args:
        flavour: whose semantics to keep.
        euid: 0 makes a simulated root of the caller, for the resident registry only.
        state_dir: where the resident registry lives.

    Raises:
        BackendError: this is not Linux, or its kernel is too old.
    """
    refused = obstacle()
    if refused:
        raise errors.BackendError(f"linux: {refused}")
    if flavour == "freebsd":
        from .freebsd import LinuxFreeBSD

        return LinuxFreeBSD()  # no resident registry, so nothing to configure
    return Linux(euid, state_dir)


class Domain(ProcFs):
    """The processes of the machine, and which of them are members of this process's reaper domain."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = RLock()  # between asking for the attribute and setting it
        self._outsiders = Outsiders()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A forked child is no reaper (the kernel does not inherit the attribute) and has no outsiders."""
        self._lock = RLock()
        self._outsiders = Outsiders()

    def owned(self) -> bool:
        """Say whether this process is a reaper; the kernel's own attribute decides, whoever set it."""
        return os.getpid() == 1 or prctl.is_subreaper()

    def acquire(self) -> bool:
        """Become a reaper; False if this process is one already."""
        with self._lock:
            if self.owned():
                return False
            _warn_if_children_vanish()
            # descendants from before stay in the outer domain on the BSDs; here they are kept out of the counts
            before = self.below(os.getpid())
            prctl.prctl(prctl.PR_SET_CHILD_SUBREAPER, 1)
            self._outsiders.note(before)
            return True

    def release(self) -> bool:
        """Stop being a reaper; False if this process is none."""
        with self._lock:
            if not prctl.is_subreaper():
                return False
            prctl.prctl(prctl.PR_SET_CHILD_SUBREAPER, 0)
            self._outsiders = Outsiders()
            return True

    def descendants(self) -> list[DescendantInfo]:
        """Return the members, zombies included: descendants, without those from before ACQUIRE and theirs."""
        return self.members(self.below(os.getpid()))

    def members(self, descendants: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members among the descendants (which come parents first)."""
        with self._lock:
            return self._outsiders.without(descendants)

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members."""
        if self._outsiders.nobody():
            return self.children()
        own = os.getpid()
        return [process.pid for process in self.descendants() if process.ppid == own]


class Linux:
    """The calling process, on a Linux kernel, with DragonFly's semantics."""

    name = "linux"
    flavour = "dragonfly"
    live = True

    def __init__(self, euid: int | None, state_dir: str | None) -> None:
        self.processes = Domain()
        self._deathsig = DeathSignal()
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
        arguments.dragonfly_data(name, data)
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
        if not self.processes.acquire():
            raise errors.refusal("procctl", "EALREADY", operation="PROC_REAP_ACQUIRE")

    def _release(self, data: Data) -> None:
        if not self.processes.release():
            raise errors.refusal("procctl", "ENOTCONN", operation="PROC_REAP_RELEASE")

    def _status(self, data: Data) -> structs.ReaperStatus | None:
        if data is NULL:
            return None
        arguments.output(data, "PROC_REAP_STATUS")
        descendants = self.processes.below(os.getpid())
        flags = refs = 0
        if self.processes.owned():
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
        if signal == dragonfly.SIG_MAXSIG:
            raise errors.refusal("procctl", "EINVAL", "signal 128 would panic a DragonFly kernel when the parent exits")
        try:
            self._deathsig.set(signal)
        except UndeliverableError:
            raise errors.refusal(
                "procctl",
                "EOPNOTSUPP",
                f"signal {signal} is stored, but not deliverable on this host: its last is 64",
            ) from None
        except OSError as error:
            raise errors.refusal_of(error, "procctl", error.strerror) from None

    def _get_deathsig(self, data: Data) -> int:
        if data is not OMITTED:
            if data is NULL:
                raise errors.refusal(
                    "procctl", "EINVAL", "PROC_PDEATHSIG_STATUS needs memory for an int, and NULL gives none"
                )
            arguments.output(data, "PROC_PDEATHSIG_STATUS")
        return self._deathsig.get()

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Register the binary of this process in the package's registry; nothing changes for later execs."""
        entry = arguments.c_value(entry, "void *", "entry")
        if not unsafe and not self._warned:
            self._warned = True
            arguments.warn_unsafe()
        self._records().register(_own_binary(), entry)

    def exec_sys_unregister(self, id: int) -> int:
        """Remove registrations from the package's registry."""
        return self._records().unregister(arguments.c_value(id, "int", "id"), _own_binary())

    def modfind(self, name: str) -> int:
        """Refuse: Linux has no such modules."""
        raise errors.refusal("modfind", "ENOSYS", "Linux has no kernel modules with system calls of their own")

    def modstat(self, id: int) -> structs.ModuleStat:
        """Refuse: Linux has no such modules."""
        raise errors.refusal("modstat", "ENOSYS", "Linux has no kernel modules with system calls of their own")

    def vm_resident(self) -> list[ResidentEntry]:
        """List the package's registry."""
        return self._records().entries()

    def make_resident(self, program: Program) -> None:
        """Register a program, as the runtime linker of DragonFly would register it."""
        self._records().register(program, program.entry)

    def unmake_resident(self, program: Program) -> None:
        """Remove a program's registration, as the runtime linker would with unregister(-1)."""
        from ...constants import dragonfly

        self._records().unregister(dragonfly.ResidentId.OWN, program)

    def _records(self) -> Registry:
        if self._registry is None:
            from ..registry.rules import open_registry

            self._registry = open_registry(self._euid, self._state_dir)
        return self._registry


def _own_binary() -> Program:
    """Return the file that this process runs: its text vnode."""
    from ..registry.rules import program_at

    return program_at("/proc/self/exe")


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
