"""The raw layer: the C calls, by their C names.  The only module that asks which backend is in force.

Each call checks what C could not take, then does exactly the kernel's checks in the kernel's order.
"""

from __future__ import annotations

from . import structs
from .backends import current
from .backends.arguments import c_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, overload

    from .constants.dragonfly import Command as DragonFly
    from .constants.freebsd import Command as FreeBSD
    from .structs import Data, Pointer, ReaperKill, ReaperKilled, ReaperPidInfo, ReaperStatus, ReaperStatusFreeBSD

    EitherStatus = Literal[DragonFly.PROC_REAP_STATUS, FreeBSD.PROC_REAP_STATUS]
    _Answerless = Literal[
        DragonFly.PROC_REAP_ACQUIRE, DragonFly.PROC_REAP_RELEASE, DragonFly.PROC_PDEATHSIG_CTL,
        FreeBSD.PROC_SPROTECT, FreeBSD.PROC_REAP_ACQUIRE, FreeBSD.PROC_REAP_RELEASE, FreeBSD.PROC_TRACE_CTL,
        FreeBSD.PROC_TRAPCAP_CTL, FreeBSD.PROC_PDEATHSIG_CTL, FreeBSD.PROC_ASLR_CTL, FreeBSD.PROC_PROTMAX_CTL,
        FreeBSD.PROC_STACKGAP_CTL, FreeBSD.PROC_NO_NEW_PRIVS_CTL, FreeBSD.PROC_WXMAP_CTL,
        FreeBSD.PROC_LOGSIGEXIT_CTL, FreeBSD.PROC_KPTI_CTL, FreeBSD.PROC_LA_CTL,
    ]  # fmt: skip
    _Number = Literal[
        DragonFly.PROC_PDEATHSIG_STATUS, FreeBSD.PROC_TRACE_STATUS, FreeBSD.PROC_TRAPCAP_STATUS,
        FreeBSD.PROC_PDEATHSIG_STATUS, FreeBSD.PROC_ASLR_STATUS, FreeBSD.PROC_PROTMAX_STATUS,
        FreeBSD.PROC_STACKGAP_STATUS, FreeBSD.PROC_NO_NEW_PRIVS_STATUS, FreeBSD.PROC_WXMAP_STATUS,
        FreeBSD.PROC_LOGSIGEXIT_STATUS, FreeBSD.PROC_KPTI_STATUS, FreeBSD.PROC_LA_STATUS,
    ]  # fmt: skip

_P_PID = 0  # IdType.P_PID of both systems


def control(command: str, data: Data = structs.OMITTED) -> Any:
    """Call procctl on the calling process, with a command by its name in the flavour in force."""
    backend = current()
    short_cut = backend.commands.get(command)
    if short_cut is not None:
        return short_cut(data)
    from . import constants

    number = constants.of(backend.flavour).Command[command]
    # FreeBSD before 13 looks id 0 up as a pid, so it is given the real one
    return backend.procctl(_P_PID, 0 if backend.flavour == "dragonfly" else backend.processes.getpid(), number, data)


def exec_sys_register(entry: int, *, unsafe: bool = False) -> None:
    """Make the binary of the calling process resident.  Dangerous: see ``pydfly.resident.register(program)``.

    The calling process of a Python program is the Python interpreter: on a real DragonFly every python started
    later begins at ``entry`` and crashes until the registration is removed.  So the native backend refuses without
    ``unsafe=True``; the others, where nothing can break, warn once and go on.

    Args:
        entry: ``void *``, the address where an exec of the binary is to start; never checked by the kernel.
        unsafe: call in spite of the above.

    Raises:
        UnsafeRegistrationError: native backend, ``unsafe`` not given.
        PermissionError: EPERM, the effective uid is not 0, or the process is jailed.
        FileNotFoundError: ENOENT, the process runs no file.
        FileExistsError: EEXIST, the binary is resident already.
        OSError: ENOSYS, the flavour is freebsd, which has no resident executables.
        TypeError, OverflowError: ``entry`` is no int, or does not fit a pointer.

    Source: sys/kern/imgact_resident.c, sys_exec_sys_register().
    """
    current().exec_sys_register(entry, unsafe)


def exec_sys_unregister(id: int) -> int:
    """Remove every registration with this id, and return how many there were.

    The manual says that 0 is returned; the kernel returns the count, and so do we.

    Args:
        id: ``int``; ResidentId.OWN (-1) is the id of the caller's own binary, ResidentId.ALL (-2) every one.

    Raises:
        PermissionError: EPERM, the effective uid is not 0, or the process is jailed.
        FileNotFoundError: ENOENT, nothing has this id (with ALL: the list is empty).
        OSError: ENOSYS, the flavour is freebsd.
        TypeError, OverflowError: ``id`` is no int, or does not fit a C int.

    Source: sys/kern/imgact_resident.c, sys_exec_sys_unregister().
    """
    return current().exec_sys_unregister(id)


def modfind(name: str) -> int:
    """Look a kernel module up, for the number of a system call that it registered: see modstat().

    Args:
        name: ``const char *``, its name; of a SYSCALL_MODULE "sys/NAME" on FreeBSD, "NAME" on DragonFly.

    Returns:
        Its id.

    Raises:
        FileNotFoundError: ENOENT, no module has this name.  (A call that syscall_helper_register() registered has no
            module of its own.)
        OSError: ENAMETOOLONG, no module can have such a name; ENOSYS, this system has no such modules.

    Source: sys/kern/kern_module.c, sys_modfind() (DragonFly, FreeBSD).
    """
    return current().modfind(name)


def modstat(id: int) -> structs.ModuleStat:
    """Describe a kernel module; of a SYSCALL_MODULE, ``data`` is the number of its system call.

    Args:
        id: ``int``, what modfind() returned.

    Raises:
        FileNotFoundError: ENOENT, there is no such module.
        OSError: ENOSYS, this system has no such modules.
        TypeError, OverflowError: ``id`` is no int, or does not fit a C int.

    Source: sys/kern/kern_module.c, sys_modstat() (DragonFly, FreeBSD).
    """
    return current().modstat(c_value(id, "int", "id"))


if TYPE_CHECKING:

    @overload
    def procctl(idtype: int, id: int, cmd: _Answerless, data: Data = ...) -> None: ...
    @overload
    def procctl(idtype: int, id: int, cmd: _Number, data: Pointer = ...) -> int: ...
    @overload
    def procctl(idtype: int, id: int, cmd: Literal[DragonFly.PROC_REAP_STATUS]) -> ReaperStatus: ...
    @overload
    def procctl(
        idtype: int, id: int, cmd: Literal[DragonFly.PROC_REAP_STATUS], data: Pointer
    ) -> ReaperStatus | None: ...
    @overload
    def procctl(
        idtype: int, id: int, cmd: Literal[FreeBSD.PROC_REAP_STATUS], data: Pointer = ...
    ) -> ReaperStatusFreeBSD: ...
    @overload
    def procctl(idtype: int, id: int, cmd: EitherStatus) -> ReaperStatus | ReaperStatusFreeBSD: ...
    @overload
    def procctl(
        idtype: int, id: int, cmd: Literal[FreeBSD.PROC_REAP_GETPIDS], data: int | Pointer = ...
    ) -> list[ReaperPidInfo]: ...
    @overload
    def procctl(
        idtype: int, id: int, cmd: Literal[FreeBSD.PROC_REAP_KILL], data: ReaperKill | Pointer = ...
    ) -> ReaperKilled: ...
    @overload
    def procctl(idtype: int, id: int, cmd: int, data: Data = ...) -> Any: ...


def procctl(idtype: int, id: int, cmd: int, data: Data = structs.OMITTED) -> Any:
    """Control a process.

    Args:
        idtype: ``idtype_t``, an unsigned enum: P_PID; FreeBSD takes P_PGID for a few commands.
        id: ``id_t``, 64 bit; 0 is the calling process.
        cmd: ``int``, a command of the flavour in force.
        data: what the command reads: a signal or value (``int``), a ReaperKill, a maximum count for
            PROC_REAP_GETPIDS.  Omitted: the wrapper supplies what the command needs.  ``pydfly.NULL``: a null
            pointer; ``pydfly.BAD_POINTER``: an address where nothing is mapped.

    Returns:
        None for commands that write nothing, and for PROC_REAP_STATUS with NULL on DragonFly; ReaperStatus,
        ReaperStatusFreeBSD, a list of ReaperPidInfo, ReaperKilled, or an int, as the command writes.

    Raises:
        AlreadyReaperError: EALREADY (DragonFly), EBUSY (FreeBSD): ACQUIRE by a reaper.
        NotReaperError: ENOTCONN (DragonFly), EINVAL (FreeBSD): RELEASE by a process that is no reaper.
        OSError: EINVAL, wrong idtype, id, command or value; EFAULT, a pointer that gives no memory.
        PermissionError, ProcessLookupError: EPERM, ESRCH, FreeBSD only.
        TypeError, OverflowError: a value that C could not take.

    Sources: sys/kern/kern_fork.c, sys_procctl() (DragonFly); sys/kern/kern_procctl.c (FreeBSD).
    """
    return current().procctl(idtype, id, cmd, data)
