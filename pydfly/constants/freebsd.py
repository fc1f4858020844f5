"""FreeBSD's numbers.  Sources: sys/sys/procctl.h, sys/sys/syscall.h (13.2 and main)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from .bsd import *
from .bsd import IdType
from .freebsd_controls import *

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Command(IntEnum):
    """Commands of procctl(2).  Which of them a kernel knows depends on its version: others are EINVAL."""

    PROC_SPROTECT = 1
    """Protect from being killed when memory runs out; reads an ``int`` (operation and flags)."""
    PROC_REAP_ACQUIRE = 2
    """Make the calling process a reaper; data must be NULL."""
    PROC_REAP_RELEASE = 3
    """Stop being a reaper; data must be NULL."""
    PROC_REAP_STATUS = 4
    """Fill a ``struct procctl_reaper_status`` (80 bytes)."""
    PROC_REAP_GETPIDS = 5
    """List the members of a domain through a ``struct procctl_reaper_pids``."""
    PROC_REAP_KILL = 6
    """Signal the members of a domain; reads and writes a ``struct procctl_reaper_kill``."""
    PROC_TRACE_CTL = 7
    """Allow or forbid tracing and core dumps."""
    PROC_TRACE_STATUS = 8
    """-1 (as procctl() returns it: 0xFFFFFFFF) forbidden, 0 allowed, else the pid of the debugger."""
    PROC_TRAPCAP_CTL = 9
    """SIGTRAP on a capability violation, or not."""
    PROC_TRAPCAP_STATUS = 10
    """Ask for that."""
    PROC_PDEATHSIG_CTL = 11
    """Set the signal that the caller gets when its parent dies; reads an ``int``."""
    PROC_PDEATHSIG_STATUS = 12
    """Ask for that signal; writes an ``int``."""
    PROC_ASLR_CTL = 13
    """Address space layout randomisation at the next exec."""
    PROC_ASLR_STATUS = 14
    """Ask for that."""
    PROC_PROTMAX_CTL = 15
    """Implicit maximum protection of mappings."""
    PROC_PROTMAX_STATUS = 16
    """Ask for that."""
    PROC_STACKGAP_CTL = 17
    """The gap at the top of the stack."""
    PROC_STACKGAP_STATUS = 18
    """Ask for that."""
    PROC_NO_NEW_PRIVS_CTL = 19
    """Ignore set-id bits at exec, irreversibly."""
    PROC_NO_NEW_PRIVS_STATUS = 20
    """Ask for that."""
    PROC_WXMAP_CTL = 21
    """Mappings that are writable and executable at once."""
    PROC_WXMAP_STATUS = 22
    """Ask for that."""
    PROC_LOGSIGEXIT_CTL = 23
    """Log the death by a signal.  After 13.2."""
    PROC_LOGSIGEXIT_STATUS = 24
    """Ask for that.  After 13.2."""
    PROC_KPTI_CTL = 0x10000000
    """x86: page table isolation at the next exec."""
    PROC_KPTI_STATUS = 0x10000001
    """x86: ask for that."""
    PROC_LA_CTL = 0x10000002
    """amd64: width of linear addresses at the next exec."""
    PROC_LA_STATUS = 0x10000003
    """amd64: ask for that."""


class ReaperFlag(IntFlag):
    """``rs_flags`` of ``struct procctl_reaper_status``."""

    REAPER_STATUS_OWNED = 1
    """The process asked about is a reaper."""
    REAPER_STATUS_REALINIT = 2
    """The reaper reported about is init."""


class PidInfoFlag(IntFlag):
    """``pi_flags`` of ``struct procctl_reaper_pidinfo``."""

    REAPER_PIDINFO_VALID = 0x1
    """The entry was written."""
    REAPER_PIDINFO_CHILD = 0x2
    """A direct child of the reaper."""
    REAPER_PIDINFO_REAPER = 0x4
    """A reaper itself; its own members are not listed."""
    REAPER_PIDINFO_ZOMBIE = 0x8
    """A zombie.  After 13.2."""
    REAPER_PIDINFO_STOPPED = 0x10
    """Stopped.  After 13.2."""
    REAPER_PIDINFO_EXITING = 0x20
    """On its way out, not yet a zombie.  After 13.2."""


class KillFlag(IntFlag):
    """``rk_flags`` of ``struct procctl_reaper_kill``; not both at once."""

    REAPER_KILL_CHILDREN = 0x1
    """Only the reaper's direct children, those from before ACQUIRE included."""
    REAPER_KILL_SUBTREE = 0x2
    """Only one direct child, ``rk_subtree``, and what comes from it."""


PROC_SPROTECT: Final = Command.PROC_SPROTECT
PROC_REAP_ACQUIRE: Final = Command.PROC_REAP_ACQUIRE
PROC_REAP_RELEASE: Final = Command.PROC_REAP_RELEASE
PROC_REAP_STATUS: Final = Command.PROC_REAP_STATUS
PROC_REAP_GETPIDS: Final = Command.PROC_REAP_GETPIDS
PROC_REAP_KILL: Final = Command.PROC_REAP_KILL
PROC_TRACE_CTL: Final = Command.PROC_TRACE_CTL
PROC_TRACE_STATUS: Final = Command.PROC_TRACE_STATUS
PROC_TRAPCAP_CTL: Final = Command.PROC_TRAPCAP_CTL
PROC_TRAPCAP_STATUS: Final = Command.PROC_TRAPCAP_STATUS
PROC_PDEATHSIG_CTL: Final = Command.PROC_PDEATHSIG_CTL
PROC_PDEATHSIG_STATUS: Final = Command.PROC_PDEATHSIG_STATUS
PROC_ASLR_CTL: Final = Command.PROC_ASLR_CTL
PROC_ASLR_STATUS: Final = Command.PROC_ASLR_STATUS
PROC_PROTMAX_CTL: Final = Command.PROC_PROTMAX_CTL
PROC_PROTMAX_STATUS: Final = Command.PROC_PROTMAX_STATUS
PROC_STACKGAP_CTL: Final = Command.PROC_STACKGAP_CTL
PROC_STACKGAP_STATUS: Final = Command.PROC_STACKGAP_STATUS
PROC_NO_NEW_PRIVS_CTL: Final = Command.PROC_NO_NEW_PRIVS_CTL
PROC_NO_NEW_PRIVS_STATUS: Final = Command.PROC_NO_NEW_PRIVS_STATUS
PROC_WXMAP_CTL: Final = Command.PROC_WXMAP_CTL
PROC_WXMAP_STATUS: Final = Command.PROC_WXMAP_STATUS
PROC_LOGSIGEXIT_CTL: Final = Command.PROC_LOGSIGEXIT_CTL
PROC_LOGSIGEXIT_STATUS: Final = Command.PROC_LOGSIGEXIT_STATUS
PROC_KPTI_CTL: Final = Command.PROC_KPTI_CTL
PROC_KPTI_STATUS: Final = Command.PROC_KPTI_STATUS
PROC_LA_CTL: Final = Command.PROC_LA_CTL
PROC_LA_STATUS: Final = Command.PROC_LA_STATUS
REAPER_STATUS_OWNED, REAPER_STATUS_REALINIT = ReaperFlag
(
    REAPER_PIDINFO_VALID, REAPER_PIDINFO_CHILD, REAPER_PIDINFO_REAPER, REAPER_PIDINFO_ZOMBIE,
    REAPER_PIDINFO_STOPPED, REAPER_PIDINFO_EXITING,
) = PidInfoFlag  # fmt: skip
REAPER_KILL_CHILDREN, REAPER_KILL_SUBTREE = KillFlag

P_ZONEID = IdType.P_JAILID
"""FreeBSD's second name of P_JAILID."""
SYS_procctl = 544
"""System call number of procctl(2)."""
