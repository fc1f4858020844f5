"""Residency on DragonFly: the sysctl that lists it, and the run-time linker that programs are registered by.

The linker registers the program that it has just loaded when it finds a variable in the environment, and exits with
the errno as its status; the program's own code never runs.  The stack of the registrant, environment included, stays
visible to every user that executes the program later, so it gets that variable and nothing else.

Source: libexec/rtld-elf/rtld.c, _rtld(); sys/kern/imgact_resident.c, sysctl_vm_resident().
"""

from __future__ import annotations

import errno
import os

from ... import errors
from ...structs import ResidentEntry
from .processes import read_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .rawcall import RawCall

REGISTER_NOW = "LD_RESIDENT_REGISTER_NOW"
"""Its presence makes the linker register the program."""
UNREGISTER_NOW = "LD_RESIDENT_UNREGISTER_NOW"
"""Its presence makes the linker remove the registration; it wins over the other."""
_ERRNOS = {1: "EPERM", 2: "ENOENT", 17: "EEXIST"}  # statuses of the linker; 1 is also its own fatal exit


def residents(call: RawCall) -> list[ResidentEntry]:
    """List the registrations; PermissionError: EPERM, not the superuser outside a jail; OSError: ENOSYS."""
    ffi, lib = call.ffi, call.lib
    length = ffi.new("size_t *", 0)
    # without memory the kernel tells the number of entries, not of bytes
    failed = ffi.errno if lib.pydfly_list_residents(ffi.NULL, length) else None
    if failed is not None:
        raise call.refusal("vm.resident", failed)
    if not length[0]:
        return []
    size = lib.PYDFLY_RESIDENT_BYTES
    records, count = read_list(call, "vm.resident", size, lib.pydfly_list_residents, length[0] + 4)
    out: Any = ffi.new("struct pydfly_resident *")
    entries = []
    for place in range(count):
        lib.pydfly_read_resident(records, place, out)
        path = os.fsdecode(ffi.string(out.path))
        entries.append(ResidentEntry(out.id, out.entry, path, out.size, out.dev, out.ino))
    return entries


def run(path: str, variable: str) -> int | None:
    """Execute a program so that its linker acts, and return its wait status; None if another thread collected it.

    SyscallError: it cannot be executed.
    """
    import signal

    # a static program has no linker, so it runs: it gets no terminal, and default actions for what Python ignores
    silence = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    defaults = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ") if hasattr(signal, name)]
    try:
        pid = os.posix_spawn(path, [path], {variable: "yes"}, file_actions=[silence], setsigdef=defaults)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "EINVAL")
        raise errors.refusal("execve", name, f"{path}: {error.strerror}") from None
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return None


def refused(status: int, call: str) -> errors.SyscallError:
    """Make the error for a wait status that is not success."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return errors.refusal("rtld", "EINVAL", f"signal {-code}")
    if code in _ERRNOS:
        return errors.refusal(call, _ERRNOS[code])
    return errors.refusal("rtld", "EINVAL", f"exit status {os.strerror(code)}")
