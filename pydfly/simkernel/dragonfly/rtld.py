"""DragonFly's run-time linker, as far as residency goes: libexec/rtld-elf/rtld.c, _rtld().

It runs before the program does, looks for a few variables in the environment, and for some of them makes a system
call and exits: the program's own code never runs then (LD-3).
"""

from __future__ import annotations

from collections.abc import Callable

from ...constants.dragonfly import SYS_exec_sys_register, SYS_exec_sys_unregister
from ...errors import SyscallError
from .. import lifecycle
from ..proc import Proc

REGISTER_NOW = "LD_RESIDENT_REGISTER_NOW"
UNREGISTER_NOW = "LD_RESIDENT_UNREGISTER_NOW"
STATUSES = {"EPERM": 1, "ENOENT": 2, "EEXIST": 17}
"""Exit statuses by errno (LD-4): DragonFly's numbers, which are every system's."""
RESIDENT_START = 0x280000000
"""Address of the linker's start routine for resident programs, in this model."""


def _exit_at_once(process: Proc, resident: bool) -> int:
    """Objects are listed, or relocations dumped."""
    return 0


def _dump_unless_resident(process: Proc, resident: bool) -> int | None:
    return None if resident else 0


def _unregister(process: Proc, resident: bool) -> int:
    return _status_of(lambda: process.kernel.sysent.call(SYS_exec_sys_unregister, (-1,), process=process))


def _register(process: Proc, resident: bool) -> int:
    process.memory["resident"] = True  # the image is marked before it is copied
    return _status_of(lambda: process.kernel.sysent.call(SYS_exec_sys_register, (RESIDENT_START,), process=process))


def _status_of(call: Callable[[], object]) -> int:
    try:
        call()
    except SyscallError as error:
        return STATUSES[error.errno_name]
    return 0


ACTIONS: dict[str, Callable[[Proc, bool], int | None]] = {
    "LD_TRACE_LOADED_OBJECTS": _exit_at_once,
    "LD_DUMP_REL_PRE": _dump_unless_resident,
    UNREGISTER_NOW: _unregister,  # LD-2: before the next
    "LD_DUMP_REL_POST": _exit_at_once,
    REGISTER_NOW: _register,
}
"""What each variable does, in the order in which they are looked for; its value does not matter (LD-1)."""


def start(process: Proc, resident: bool) -> None:
    """Do what the environment of a dynamic program asks for; the process has exited then."""
    for name, action in ACTIONS.items():
        if name in process.environ:
            status = action(process, resident)
            if status is not None:
                lifecycle.die(process, status << 8)
                return


def errno_name(status: int) -> str:
    """Return the errno that an exit code of the linker stands for."""
    return next(name for name, number in STATUSES.items() if number == status)
