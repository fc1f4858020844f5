"""The live fallback: Linux, made to keep DragonFly's or FreeBSD's semantics where it can."""

from __future__ import annotations

import os
import sys
from _operator import index  # operator itself takes longer, and every helper process loads this package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..protocol import Backend


def obstacle() -> str | None:
    """Say why this backend cannot work here, or None."""
    if not sys.platform.startswith("linux"):
        return "this system is not Linux"
    from . import prctl

    return prctl.obstacle()


def start(flavour: str, *, euid: int | None = None, state_dir: str | bytes | os.PathLike[str] | None = None) -> Backend:
    """Make the backend.

    BackendError: this is not Linux, or its kernel is too old.  TypeError: ``euid`` is no int, ``state_dir`` no path.
    """
    refused = obstacle()
    if refused:
        from ...errors import BackendError

        raise BackendError(f"linux: {refused}")
    euid = None if euid is None else index(euid)
    path = None if state_dir is None else os.fsdecode(state_dir)
    from .process import OWN

    OWN.deathsig.look()
    if flavour == "freebsd":
        from .freebsd import LinuxFreeBSD

        return LinuxFreeBSD()  # no resident registry, so nothing to configure
    from .dragonfly import Linux

    return Linux(euid, path)
