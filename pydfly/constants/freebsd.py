"""FreeBSD's numbers.  Sources: sys/sys/procctl.h, sys/sys/syscall.h (13.2 and main)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from .bsd import *
from .bsd import IdType
from .freebsd_x86 import *


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
    """Only the line of one direct child, ``rk_subtree``."""


class Protect(IntFlag):
    """Operation (low four bits) and flags of PROC_SPROTECT."""

    PPROT_SET = 1
    """Protect."""
    PPROT_CLEAR = 2
    """Protect no longer."""
    PPROT_DESCEND = 0x10
    """Apply to the whole present subtree of children."""
    PPROT_INHERIT = 0x20
    """Apply to future children too."""


class Trace(IntEnum):
    """Values of PROC_TRACE_CTL."""

    PROC_TRACE_CTL_ENABLE = 1
    """Allow tracing (self only)."""
    PROC_TRACE_CTL_DISABLE = 2
    """Forbid tracing until the next exec."""
    PROC_TRACE_CTL_DISABLE_EXEC = 3
    """Forbid tracing across exec too."""


class TrapCap(IntEnum):
    """Values of PROC_TRAPCAP_CTL."""

    PROC_TRAPCAP_CTL_ENABLE = 1
    """Send SIGTRAP."""
    PROC_TRAPCAP_CTL_DISABLE = 2
    """Do not."""


class Aslr(IntFlag):
    """Values of PROC_ASLR_CTL; ACTIVE only in the status."""

    PROC_ASLR_FORCE_ENABLE = 1
    """Randomise at the next exec."""
    PROC_ASLR_FORCE_DISABLE = 2
    """Do not randomise at the next exec."""
    PROC_ASLR_NOFORCE = 3
    """As the system's policy says."""
    PROC_ASLR_ACTIVE = 0x80000000
    """The present image is randomised."""


class ProtMax(IntFlag):
    """Values of PROC_PROTMAX_CTL; ACTIVE only in the status."""

    PROC_PROTMAX_FORCE_ENABLE = 1
    """Implicit maximum protection on."""
    PROC_PROTMAX_FORCE_DISABLE = 2
    """Implicit maximum protection off."""
    PROC_PROTMAX_NOFORCE = 3
    """As the system's policy says."""
    PROC_PROTMAX_ACTIVE = 0x80000000
    """In force now."""


class StackGap(IntFlag):
    """Bits of PROC_STACKGAP_CTL; not both of a pair."""

    PROC_STACKGAP_ENABLE = 1
    """The gap is on (only an exec turns it on again)."""
    PROC_STACKGAP_DISABLE = 2
    """No gap for this image."""
    PROC_STACKGAP_ENABLE_EXEC = 4
    """The next image has the gap."""
    PROC_STACKGAP_DISABLE_EXEC = 8
    """The next image has none."""


class NoNewPrivs(IntEnum):
    """Values of PROC_NO_NEW_PRIVS_CTL; DISABLE only in the status."""

    PROC_NO_NEW_PRIVS_ENABLE = 1
    """Set-id bits are ignored at exec, for ever."""
    PROC_NO_NEW_PRIVS_DISABLE = 2
    """They are not."""


class WxMap(IntFlag):
    """Values of PROC_WXMAP_CTL; ENFORCE only in the status."""

    PROC_WX_MAPPINGS_PERMIT = 1
    """Allow writable and executable mappings at once."""
    PROC_WX_MAPPINGS_DISALLOW_EXEC = 2
    """Forbid them from the next exec on."""
    PROC_WXORX_ENFORCE = 0x80000000
    """They are forbidden now."""


class LogSigExit(IntEnum):
    """Values of PROC_LOGSIGEXIT_CTL."""

    PROC_LOGSIGEXIT_CTL_NOFORCE = 1
    """As the system's policy says."""
    PROC_LOGSIGEXIT_CTL_FORCE_ENABLE = 2
    """Log."""
    PROC_LOGSIGEXIT_CTL_FORCE_DISABLE = 3
    """Do not log."""


(
    PROC_SPROTECT, PROC_REAP_ACQUIRE, PROC_REAP_RELEASE, PROC_REAP_STATUS, PROC_REAP_GETPIDS, PROC_REAP_KILL,
    PROC_TRACE_CTL, PROC_TRACE_STATUS, PROC_TRAPCAP_CTL, PROC_TRAPCAP_STATUS, PROC_PDEATHSIG_CTL,
    PROC_PDEATHSIG_STATUS, PROC_ASLR_CTL, PROC_ASLR_STATUS, PROC_PROTMAX_CTL, PROC_PROTMAX_STATUS,
    PROC_STACKGAP_CTL, PROC_STACKGAP_STATUS, PROC_NO_NEW_PRIVS_CTL, PROC_NO_NEW_PRIVS_STATUS, PROC_WXMAP_CTL,
    PROC_WXMAP_STATUS, PROC_LOGSIGEXIT_CTL, PROC_LOGSIGEXIT_STATUS, PROC_KPTI_CTL, PROC_KPTI_STATUS, PROC_LA_CTL,
    PROC_LA_STATUS,
) = Command  # fmt: skip
REAPER_STATUS_OWNED, REAPER_STATUS_REALINIT = ReaperFlag
(
    REAPER_PIDINFO_VALID, REAPER_PIDINFO_CHILD, REAPER_PIDINFO_REAPER, REAPER_PIDINFO_ZOMBIE,
    REAPER_PIDINFO_STOPPED, REAPER_PIDINFO_EXITING,
) = PidInfoFlag  # fmt: skip
REAPER_KILL_CHILDREN, REAPER_KILL_SUBTREE = KillFlag
PPROT_SET, PPROT_CLEAR, PPROT_DESCEND, PPROT_INHERIT = Protect
PROC_TRACE_CTL_ENABLE, PROC_TRACE_CTL_DISABLE, PROC_TRACE_CTL_DISABLE_EXEC = Trace
PROC_TRAPCAP_CTL_ENABLE, PROC_TRAPCAP_CTL_DISABLE = TrapCap
PROC_ASLR_FORCE_ENABLE, PROC_ASLR_FORCE_DISABLE, PROC_ASLR_NOFORCE, PROC_ASLR_ACTIVE = Aslr.__members__.values()
PROC_PROTMAX_FORCE_ENABLE, PROC_PROTMAX_FORCE_DISABLE, PROC_PROTMAX_NOFORCE, PROC_PROTMAX_ACTIVE = (
    ProtMax.__members__.values()
)
PROC_STACKGAP_ENABLE, PROC_STACKGAP_DISABLE, PROC_STACKGAP_ENABLE_EXEC, PROC_STACKGAP_DISABLE_EXEC = StackGap
PROC_NO_NEW_PRIVS_ENABLE, PROC_NO_NEW_PRIVS_DISABLE = NoNewPrivs
PROC_WX_MAPPINGS_PERMIT, PROC_WX_MAPPINGS_DISALLOW_EXEC, PROC_WXORX_ENFORCE = WxMap
PROC_LOGSIGEXIT_CTL_NOFORCE, PROC_LOGSIGEXIT_CTL_FORCE_ENABLE, PROC_LOGSIGEXIT_CTL_FORCE_DISABLE = LogSigExit

P_ZONEID = IdType.P_JAILID
"""FreeBSD's second name of P_JAILID."""
SYS_procctl = 544
"""System call number of procctl(2)."""
