"""One process of a simulated kernel, as a backend: this program acts as that process."""

from __future__ import annotations

from collections.abc import Callable

from ... import errors, simkernel, structs
from ...constants import dragonfly
from ...simkernel import Process
from ...simkernel.dragonfly import rtld
from ...structs import Data, Program, ResidentEntry
from .. import arguments, freebsd_arguments
from ..protocol import Backend
from .processes import SimulatedProcesses

PROGRAM = "/usr/local/bin/python3"
"""What the acting process runs when the backend was chosen by name."""


def start(flavour: str, *, version: str | None = None, euid: int = 0, jailed: bool = False) -> Backend:
    """Boot a simulated machine, and act as a process of it; BackendError: there is no such kernel."""
    try:
        kernel = simkernel.boot(flavour, version)
    except (NotImplementedError, ValueError) as error:
        raise errors.BackendError(f"sim:{flavour}: {error}") from None
    return Simulated(kernel.spawn(PROGRAM, euid, jailed=jailed))


def of(process: object) -> Backend:
    """Act as a simulated process; BackendError: it is none."""
    if not isinstance(process, simkernel.Process):
        raise errors.BackendError(f"{process!r} is neither the name of a backend nor a simulated process")
    return Simulated(process)


class Simulated:
    """The view that one simulated process has of its kernel."""

    name = "sim"
    live = False
    commands: dict[str, Callable[[Data], object]] = {}

    def __init__(self, process: Process) -> None:
        self.process = process
        self.flavour = process.kernel.flavour.name
        self._names = {int(command): name for name, command in process.kernel.constants.Command.__members__.items()}
        self.processes = SimulatedProcesses(process)
        self._warned = False

    def procctl(self, idtype: int, id: int, cmd: int, data: Data) -> object:
        """Refuse what C could not take, and keep the parent's death from bringing the kernel down (DP-10)."""
        idtype, id, cmd = arguments.procctl(idtype, id, cmd)
        if self.flavour == "freebsd":
            return freebsd_arguments.unsigned(
                self.process.procctl(idtype, id, cmd, freebsd_arguments.checked(cmd, data))
            )
        data = arguments.dragonfly_data(self._names.get(cmd, ""), data)
        if cmd == dragonfly.PROC_PDEATHSIG_CTL:
            arguments.refuse_fatal(data)
        return self.process.procctl(idtype, id, cmd, data)

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Register the file that the acting process runs; nothing can break."""
        entry = arguments.address(entry, "entry")
        self._require("exec_sys_register")
        if not unsafe and not self._warned:
            self._warned = True
            arguments.warn_unsafe()
        self.process.exec_sys_register(entry)

    def exec_sys_unregister(self, id: int) -> int:
        """Remove registrations from the simulated kernel's list."""
        return self.process.exec_sys_unregister(arguments.c_value(id, "int", "id"))

    def modfind(self, name: str) -> int:
        """Look a module of the simulated kernel up."""
        return self.process.modfind(name)

    def modstat(self, id: int) -> structs.ModuleStat:
        """Describe a module of the simulated kernel."""
        return self.process.modstat(id)

    def vm_resident(self) -> list[ResidentEntry]:
        """Read the simulated sysctl."""
        return self.process.vm_resident()

    def make_resident(self, program: Program) -> None:
        """Have a simulated process execute the program, whose run-time linker registers it."""
        self._run_linker(program, rtld.REGISTER_NOW, "exec_sys_register")

    def unmake_resident(self, program: Program) -> None:
        """Have a simulated process execute the program, whose run-time linker unregisters it."""
        self._run_linker(program, rtld.UNREGISTER_NOW, "exec_sys_unregister")

    def _require(self, call: str) -> None:
        """Refuse what the flavour does not have, before anything is done about it."""
        if call not in self.process.kernel.flavour.calls:
            raise errors.refusal(call, "ENOSYS")

    def _run_linker(self, program: Program, variable: str, call: str) -> None:
        self._require(call)
        self.process.kernel.vnodes.describe(program.path, program.dev, program.ino, program.size)
        child = self.process.fork()
        child.execve(program.path, environ={variable: "yes"})
        if child.parent is self.process:  # not where the caller ignores SIGCHLD: its reaper has the zombie then
            self.process.wait(child.pid)
        if child.status:
            raise errors.refusal(call, rtld.errno_name(child.status >> 8))
