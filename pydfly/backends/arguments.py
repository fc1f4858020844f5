"""What C could not take is refused before any call, as cffi refuses it for the native backend."""

from __future__ import annotations

from operator import index

_RANGES = {
    "unsigned int": (0, 2**32 - 1),
    "int": (-(2**31), 2**31 - 1),
    "int64_t": (-(2**63), 2**63 - 1),
    "void *": (-(2**63), 2**64 - 1),
}


def c_value(value: object, c_type: str, name: str) -> int:
    """Return ``value`` as an int that fits ``c_type``.

    Raises:
        TypeError: it is no integer.
        OverflowError: it does not fit.
    """
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an int (C type {c_type}), not {type(value).__name__}") from None
    low, high = _RANGES[c_type]
    if not low <= number <= high:
        raise OverflowError(f"{name} {number} does not fit the C type {c_type}")
    return number


def procctl(idtype: object, id: object, cmd: object) -> tuple[int, int, int]:
    """Check the three numbers of a procctl call."""
    return c_value(idtype, "unsigned int", "idtype"), c_value(id, "int64_t", "id"), c_value(cmd, "int", "cmd")
