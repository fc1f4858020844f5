"""The constants of both systems, one namespace each, with literal values that hold on every machine.

``constants.dragonfly`` and ``constants.freebsd`` give the same names different numbers (PROC_REAP_ACQUIRE is 1
on DragonFly and 2 on FreeBSD), so never mix them: ``pydfly.PROC_REAP_ACQUIRE`` is the member of the flavour in
force.  The numbers are the systems' own; ``os.P_PID`` of the host is another number and never right here.
"""

from __future__ import annotations

from types import ModuleType


def of(flavour: str) -> ModuleType:
    """Return the constants of ``"dragonfly"`` or ``"freebsd"``.

    Raises:
        ValueError: the flavour is neither.
    """
    if flavour == "dragonfly":
        from . import dragonfly

        return dragonfly
    if flavour == "freebsd":
        from . import freebsd

        return freebsd
    raise ValueError(f"unknown flavour {flavour!r}: it is 'dragonfly' or 'freebsd'")
