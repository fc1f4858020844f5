"""exec_sys_register(2), exec_sys_unregister(2) and procctl(2) of DragonFly BSD and FreeBSD, on every machine.

Everything here is loaded when it is first used, so that ``import pydfly`` costs next to nothing.  The constants
(``pydfly.P_PID``, ``pydfly.PROC_REAP_ACQUIRE``, ...) are the members of the flavour in force.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the same names as in _HOMES, for type checkers
    from typing import Any

    from . import aio, constants, errors, pdeathsig, reaper, resident, structs
    from .backends import info as backend
    from .backends import use
    from .errors import (
        AlreadyReaperError,
        BackendError,
        NotReaperError,
        NotRegistrableError,
        SimulatedBackendWarning,
        SupervisionError,
        SurvivorsError,
        SyscallError,
        UnsafeRegistrationError,
        UnsafeRegistrationWarning,
    )
    from .structs import (
        BAD_POINTER,
        NULL,
        BackendInfo,
        DescendantInfo,
        DomainStatus,
        KillReport,
        Reaped,
        ReaperKill,
        ReaperKilled,
        ReaperPidInfo,
        ReaperStatus,
        ReaperStatusFreeBSD,
        ResidentEntry,
        Survivor,
    )
    from .supervisor import supervise
    from .supervisor.report import ProcessRecord, Report, Step, Usage
    from .supervisor.services.service import Service
    from .supervisor.services.status import ServiceStatus
    from .supervisor.supervised import Supervised
    from .supervisor.supervisor import Supervisor
    from .syscalls import exec_sys_register, exec_sys_unregister, procctl
if TYPE_CHECKING:  # the constants: DragonFly's; what only FreeBSD has is Any; what differs is of either
    from .syscalls import EitherStatus

    PROC_REAP_STATUS: EitherStatus  # mypy goes by the first declaration, pyright by the last
    from .constants.dragonfly import *  # noqa: F403

    PROC_REAP_STATUS: EitherStatus  # type: ignore[no-redef]

__version__ = "0.2.0"

_MODULES = ("aio", "constants", "errors", "pdeathsig", "reaper", "resident", "structs")
_HOMES = {
    name: home
    for home, names in {
        "backends": "backend use",
        "errors": (
            "AlreadyReaperError BackendError NotReaperError NotRegistrableError SimulatedBackendWarning "
            "SupervisionError SurvivorsError SyscallError UnsafeRegistrationError UnsafeRegistrationWarning"
        ),
        "structs": (
            "BAD_POINTER NULL BackendInfo DescendantInfo DomainStatus KillReport Reaped ReaperKill ReaperKilled "
            "ReaperPidInfo ReaperStatus ReaperStatusFreeBSD ResidentEntry Survivor"
        ),
        "supervisor": "supervise",
        "supervisor.services.service": "Service",
        "supervisor.services.status": "ServiceStatus",
        "supervisor.supervised": "Supervised",
        "supervisor.supervisor": "Supervisor",
        "supervisor.report": "ProcessRecord Report Step Usage",
        "syscalls": "exec_sys_register exec_sys_unregister procctl",
    }.items()
    for name in names.split()
}
_NAMES_THERE = {"backend": "info"}

__all__ = [
    "AlreadyReaperError", "BAD_POINTER", "BackendError", "BackendInfo", "DescendantInfo", "DomainStatus",
    "KillReport", "NULL", "NotReaperError", "NotRegistrableError", "ProcessRecord", "Reaped", "ReaperKill",
    "ReaperKilled", "ReaperPidInfo", "ReaperStatus", "ReaperStatusFreeBSD", "Report", "ResidentEntry",
    "SimulatedBackendWarning", "Step", "Service", "ServiceStatus", "Supervised", "SupervisionError",
    "Supervisor", "Survivor", "SurvivorsError", "SyscallError", "UnsafeRegistrationError",
    "UnsafeRegistrationWarning", "Usage", "aio", "backend", "constants", "errors", "pdeathsig", "reaper",
    "resident", "exec_sys_register", "exec_sys_unregister", "procctl", "structs", "supervise", "use",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _module(name)
    if name in _HOMES:
        value = getattr(_module(_HOMES[name]), _NAMES_THERE.get(name, name))
        globals()[name] = value
        return value
    if name.isupper() or name.startswith("SYS_"):  # a constant: not kept, the flavour in force may change
        from . import backends, constants

        flavour = backends.flavour()
        value = getattr(constants.of(flavour), name, None)
        if value is not None:
            return value
        other, system = ("freebsd", "FreeBSD") if flavour == "dragonfly" else ("dragonfly", "DragonFly")
        if hasattr(constants.of(other), name):
            raise AttributeError(
                f"only {system} has {name}, and the flavour in force is {flavour}; see pydfly.constants.{other}"
            )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _module(name: str) -> Any:
    """Import a module of the package; importlib.import_module would first import importlib."""
    from sys import modules

    path = f"{__name__}.{name}"
    __import__(path)
    return modules[path]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
