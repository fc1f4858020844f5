"""The constants of both systems, one namespace each, with literal values that hold on every machine.

``constants.dragonfly`` and ``constants.freebsd`` give the same names different numbers (PROC_REAP_ACQUIRE is 1
on DragonFly and 2 on FreeBSD), so never mix them: ``pydfly.PROC_REAP_ACQUIRE`` is the member of the flavour in
force.  The numbers are the systems' own; ``os.P_PID`` of the host is another number and never right here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import dragonfly as dragonfly
    from . import freebsd as freebsd

_SYSTEMS = ("dragonfly", "freebsd")


def of(flavour: str) -> ModuleType:
    """Return the constants of ``"dragonfly"`` or ``"freebsd"``.

    Raises:
        ValueError: the flavour is neither.
    """
    if flavour not in _SYSTEMS:
        raise ValueError(f"unknown flavour {flavour!r}: it is 'dragonfly' or 'freebsd'")
    from sys import modules

    path = f"{__name__}.{flavour}"
    __import__(path)  # importlib would cost more than the module
    return modules[path]


def __getattr__(name: str) -> ModuleType:
    """Load the constants of a system when they are asked for."""
    if name in _SYSTEMS:
        return of(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
