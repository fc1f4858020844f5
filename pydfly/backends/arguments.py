"""Refuses values that C cannot take before any call, as cffi does for the native backend."""

from __future__ import annotations

from operator import index

from ..errors import UnsafeRegistrationWarning, refusal
from ..structs import BAD_POINTER, NULL, OMITTED, Data, Pointer, ReaperKill

_RANGES = {
    "unsigned int": (0, 2**32 - 1),
    "int": (-(2**31), 2**31 - 1),
    "int64_t": (-(2**63), 2**63 - 1),
    "void *": (-(2**63), 2**64 - 1),
}


def c_value(value: object, c_type: str, name: str) -> int:
    """Return ``value`` as an int that fits ``c_type``; TypeError: it is no integer; OverflowError: it does not fit."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an int (C type {c_type}), not {type(value).__name__}") from None
    low, high = _RANGES[c_type]
    if not low <= number <= high:
        raise OverflowError(f"{name} {number} does not fit the C type {c_type}")
    return number


def address(value: object, name: str) -> int:
    """Return a pointer as the kernel tells it again, as intptr_t: the upper half of the addresses is negative."""
    return (c_value(value, "void *", name) + 2**63) % 2**64 - 2**63


def procctl(idtype: object, id: object, cmd: object) -> tuple[int, int, int]:
    """Check the three numbers of a procctl call."""
    return c_value(idtype, "unsigned int", "idtype"), c_value(id, "int64_t", "id"), c_value(cmd, "int", "cmd")


def output(data: object, command: str) -> None:
    """Check the memory that a command writes to: TypeError unless it is omitted; OSError: EFAULT, it is bad."""
    if data is BAD_POINTER:
        raise refusal("procctl", "EFAULT", operation=command)
    if data is not OMITTED:
        raise TypeError(f"{command} writes its own result: leave data out, or pass pydfly.NULL")


def input_int(data: object, command: str, *, null: str) -> int:
    """Return the int that a command reads; TypeError, OverflowError: it is none, or does not fit.

    OSError: EFAULT, or for a null pointer the errno ``null``.
    """
    if data is NULL:
        raise refusal("procctl", null, f"{command} reads an int, and NULL points at none")
    if data is BAD_POINTER:
        raise refusal("procctl", "EFAULT", operation=command)
    if data is OMITTED:
        raise TypeError(f"{command} reads an int: pass it as data")
    return c_value(data, "int", "data")


def dragonfly_data(name: str, data: object) -> Data:
    """Return the data for a command of DragonFly, a number as an int; TypeError, OverflowError: C could not take it.

    ``name`` is empty for an unknown command: the kernel refuses that whatever its data are.
    """
    reads_int = name.endswith("_CTL")
    if isinstance(data, Pointer):
        if data is OMITTED and reads_int:
            raise TypeError(f"{name} reads an int: pass it as data")
        return data
    if name.endswith("_STATUS"):
        raise TypeError(f"{name} writes its own result: leave data out, or pass pydfly.NULL")
    if isinstance(data, ReaperKill):
        if reads_int:
            raise TypeError(f"{name} reads an int, not a ReaperKill")
        return data
    return c_value(data, "int", "data")


def refuse_fatal(signal: object) -> None:
    """Refuse the parent-death signal that DragonFly's kernel takes and panics on (DP-10); OSError: EINVAL."""
    from ..constants import dragonfly

    if signal == dragonfly.SIG_MAXSIG:
        raise refusal("procctl", "EINVAL", "signal 128 would panic a DragonFly kernel when the parent exits")


def warn_unsafe() -> None:
    """Warn that exec_sys_register registers the interpreter; the caller makes sure that this happens once."""
    import warnings

    warnings.warn(
        "exec_sys_register makes the Python interpreter itself resident; a real DragonFly would then crash every "
        "python until it is unregistered: resident.register(program) is the way",
        UnsafeRegistrationWarning,
        stacklevel=4,
    )
