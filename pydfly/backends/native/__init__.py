"""The compiled calls of DragonFly and FreeBSD: the only importer of ``pydfly._native``.

The helpers of the supervisor list processes by ``processes``: so nothing else is loaded with this package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..protocol import Backend

SYSTEMS = ("neither", "dragonfly", "freebsd")
"""What PYDFLY_SYSTEM of the extension stands for."""
BUILD = (
    "the extension module pydfly._native is not built: install cffi and a C compiler, then run "
    "`PYDFLY_BUILD_EXTENSION=yes python -m pip install --force-reinstall --no-binary pydfly pydfly`"
)
"""What to do about a missing extension."""


def extension() -> ModuleType:
    """Import the extension; ImportError: it is not built."""
    from importlib import import_module

    return import_module("pydfly._native")


def obstacle() -> str | None:
    """Say why this backend cannot work here, or None."""
    try:
        built_for = SYSTEMS[extension().lib.PYDFLY_SYSTEM]
    except ImportError as error:
        from ..environment import machine

        own = machine()
        if own not in ("dragonfly", "freebsd"):
            return f"it calls the kernel of DragonFly or FreeBSD, and this machine runs {own}"
        return BUILD if isinstance(error, ModuleNotFoundError) else f"pydfly._native cannot be loaded: {error}"
    return "this system has none of these calls: each is refused with ENOSYS" if built_for == "neither" else None


def start(flavour: str, *, unsafe_reap_kill: bool = False) -> Backend:
    """Make the backend.

    Args:
        flavour: that of the machine.
        unsafe_reap_kill: allow PROC_REAP_KILL on a process that is no reaper: it signals the domain of *its* reaper,
            usually init's, which is every process that the caller may signal.

    Raises:
        BackendError: the extension is missing, or was built for the other system.
    """
    from ...errors import BackendError
    from .backend import Native

    try:
        module = extension()
    except ImportError:
        raise BackendError(f"native:{flavour}: {obstacle()}") from None
    built_for = SYSTEMS[module.lib.PYDFLY_SYSTEM]
    if built_for not in (flavour, "neither"):
        raise BackendError(f"native:{flavour}: pydfly._native was built for {built_for}")
    return Native(module, flavour, unsafe_reap_kill)
