"""DragonFly BSD's numbers.  Sources: sys/sys/procctl.h, sys/sys/syscall.h, sys/kern/imgact_resident.c."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from .bsd import *

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Command(IntEnum):
    """Commands of procctl(2).  Headers from before the parent-death signal have only the first three."""

    PROC_REAP_ACQUIRE = 1
    """Make the calling process a reaper."""
    PROC_REAP_RELEASE = 2
    """Stop being a reaper."""
    PROC_REAP_STATUS = 3
    """Fill a ``union reaper_info`` (192 bytes) about the caller."""
    PROC_PDEATHSIG_CTL = 4
    """Set the signal that the caller gets when its parent dies; reads an ``int``."""
    PROC_PDEATHSIG_STATUS = 5
    """Ask for that signal; writes an ``int``."""


class ReaperFlag(IntFlag):
    """``flags`` of ``struct reaper_status``."""

    REAPER_STAT_OWNED = 0x1
    """The caller is a reaper."""
    REAPER_STAT_REALINIT = 0x2
    """The caller is init, the root reaper."""


class ResidentId(IntEnum):
    """Ids with a meaning of their own for exec_sys_unregister(2)."""

    OWN = -1
    """The id of the registration of the caller's own binary (and whatever shares that id)."""
    ALL = -2
    """Every registration."""


PROC_REAP_ACQUIRE: Final = Command.PROC_REAP_ACQUIRE
PROC_REAP_RELEASE: Final = Command.PROC_REAP_RELEASE
PROC_REAP_STATUS: Final = Command.PROC_REAP_STATUS
PROC_PDEATHSIG_CTL: Final = Command.PROC_PDEATHSIG_CTL
PROC_PDEATHSIG_STATUS: Final = Command.PROC_PDEATHSIG_STATUS
REAPER_STAT_OWNED, REAPER_STAT_REALINIT = ReaperFlag

SYS_exec_sys_register = 465
"""System call number of exec_sys_register(2)."""
SYS_exec_sys_unregister = 466
"""System call number of exec_sys_unregister(2)."""
SYS_procctl = 536
"""System call number of procctl(2)."""
