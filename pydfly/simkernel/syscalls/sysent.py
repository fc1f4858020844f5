"""The entries of the system-call table, and what a kernel module writes down to register some of its own.

Sources: sys/sys/sysent.h, sys/kern/kern_syscalls.c (both systems).  A system call is a Python function that is called
with the calling process and then with its arguments; what it returns is the result, and a SyscallError is a refusal::

    def sys_add(process, left, right):
        return left + right

    add = SyscallHelperData(Sysent(sys_add), 210)
    kernel.syscall_helper_register([add, SYSCALL_INIT_LAST])
    assert process.syscall(210, 2, 3) == 5
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

Call = Callable[..., object]

NO_SYSCALL = -1
"""No number: the terminator of an array; where one entry is registered, "give me a free slot"."""
SY_THR_STATIC = 1
"""The entry is there for good: calls of it are not counted, and it is never removed."""
SY_THR_DRAINING = 2
"""The entry is being removed: threads inside may finish, none may enter."""
SY_THR_ABSENT = 4
"""There is no call in this slot."""
SY_THR_INCR = 8
"""One thread inside; the count stands above the flags."""
SY_THR_FLAGMASK = 7
"""The flags, without the count.  (13.2; later kernels have no name for it.)"""
SYF_CAPENABLED = 1
"""May be called in capability mode."""


def nosys(process: object, *args: object) -> NoReturn:
    """Stand for "there is no such call" in an entry; the table never calls it."""
    raise NotImplementedError("nosys() is a mark in the system-call table, and not to be called")


def lkmnosys(process: object, *args: object) -> NoReturn:
    """Mark a slot that is given to a module that asks for any number."""
    nosys(process)


def lkmressys(process: object, *args: object) -> NoReturn:
    """Mark a slot that waits for a module of the system's own."""
    nosys(process)


def null_call(process: Any, *args: object) -> object:
    """Be what an entry of zeros points at: the kernel jumps to address 0."""
    return process.kernel.panic("a system call's entry was all zeros: jump to a null pointer")


MISSING = frozenset({nosys, lkmnosys, lkmressys})
"""What stands in entries without a call."""
REGISTRABLE = frozenset({lkmnosys, lkmressys})
"""What stands in entries that may be taken."""


class Sysent:
    """``struct sysent``: one system call.

    Attributes:
        call: ``sy_call``, the function; zeros in C are ``null_call`` here.
        narg: ``sy_narg``, number of arguments.  (C counts machine words.)
        flags: ``sy_flags``: SYF_CAPENABLED.  Nothing checks them (SH-6).
        thrcnt: ``sy_thrcnt``: SY_THR_* and, above them, how many threads are inside.
        auevent: ``sy_auevent``: the audit event; carried along, and without effect here.
    """

    __slots__ = ("auevent", "call", "flags", "narg", "thrcnt")

    def __init__(
        self, call: Call = null_call, narg: int | None = None, flags: int = 0, thrcnt: int = 0, auevent: int = 0
    ) -> None:
        self.call = call
        if narg is None:
            narg = 0 if call is null_call else count_arguments(call)
        self.narg = narg
        self.flags = flags
        self.thrcnt = thrcnt
        self.auevent = auevent

    def __repr__(self) -> str:
        name = getattr(self.call, "__name__", repr(self.call))
        return f"<sysent {name}, {self.narg} arguments, flags {self.flags}, thrcnt {self.thrcnt}>"

    def copy(self) -> Sysent:
        """Assign the structure."""
        return Sysent(self.call, self.narg, self.flags, self.thrcnt, self.auevent)

    @property
    def inside(self) -> int:
        """How many threads are in this call."""
        return self.thrcnt // SY_THR_INCR


def count_arguments(call: Call) -> int:
    """Return how many arguments a Python function takes after the process.

    Raises:
        TypeError: it takes any number: narg has to be given.
    """
    from inspect import Parameter, signature

    kinds = [parameter.kind for parameter in signature(call).parameters.values()]
    if Parameter.VAR_POSITIONAL in kinds:
        raise TypeError(f"{call!r} takes any number of arguments: give narg")
    return max(sum(kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds) - 1, 0)


@dataclass(slots=True, eq=False, repr=False)
class SyscallHelperData:
    """``struct syscall_helper_data``: an entry to be registered; the kernel writes into it."""

    new: Sysent
    """``new_sysent``, what is to be installed."""
    syscall_no: int
    """``syscall_no``, where."""
    registered: int = 0
    """``registered``, 1 from a registration by syscall_helper_register() to its end."""
    old: Sysent | None = None
    """``old_sysent``, what was there before; filled in by a registration."""

    def __repr__(self) -> str:
        return f"<syscall {self.syscall_no} {self.new!r}, registered {self.registered}>"


SYSCALL_INIT_LAST = SyscallHelperData(Sysent(null_call, 0), NO_SYSCALL)
"""The end of an array.  The manual does not mention it, and the kernel runs off an array without it (SH-10)."""


def SYSCALL_INIT_HELPER(name: str, names: Mapping[str, Any]) -> SyscallHelperData:  # noqa: N802  the C macro's name
    """Make the entry of ``sys_name`` under the number ``SYS_name``.

    Args:
        name: what the C macro is given: ``"hello"``.
        names: where the names that it pastes together are looked up: ``vars(module)``, ``globals()`` or any mapping
            with ``sys_hello``, ``SYS_hello`` and perhaps ``SYS_AUE_hello``.
    """
    return SYSCALL_INIT_HELPER_F(name, names, 0)


def SYSCALL_INIT_HELPER_F(name: str, names: Mapping[str, Any], flags: int) -> SyscallHelperData:  # noqa: N802
    """Make the entry of ``sys_name``, with flags: SYF_CAPENABLED."""
    return _init(name, names[f"sys_{name}"], names, flags)


def SYSCALL_INIT_HELPER_COMPAT(name: str, names: Mapping[str, Any]) -> SyscallHelperData:  # noqa: N802
    """Make the entry of the function ``name`` itself, without ``sys_``."""
    return SYSCALL_INIT_HELPER_COMPAT_F(name, names, 0)


def SYSCALL_INIT_HELPER_COMPAT_F(name: str, names: Mapping[str, Any], flags: int) -> SyscallHelperData:  # noqa: N802
    """Make the entry of the function ``name`` itself, with flags."""
    return _init(name, names[name], names, flags)


def _init(name: str, call: Call, names: Mapping[str, Any], flags: int) -> SyscallHelperData:
    new = Sysent(call, None, flags, 0, names.get(f"SYS_AUE_{name}", 0))
    return SyscallHelperData(new, names[f"SYS_{name}"])
