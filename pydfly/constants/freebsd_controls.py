"""The values of those commands of FreeBSD's procctl(2) that set something on one process.

Sources: sys/sys/procctl.h; of KPTI and linear addresses, which only x86 has, sys/x86/include/procctl.h (13.2 and main).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

PROC_PROCCTL_MD_MIN = 0x10000000
"""Machine-dependent commands start here."""


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


class Kpti(IntFlag):
    """Values of PROC_KPTI_CTL; ACTIVE only in the status."""

    PROC_KPTI_CTL_ENABLE_ON_EXEC = 1
    """Isolate page tables from the next exec on."""
    PROC_KPTI_CTL_DISABLE_ON_EXEC = 2
    """Do not."""
    PROC_KPTI_STATUS_ACTIVE = 0x80000000
    """Isolated now."""


class LinearAddress(IntFlag):
    """Values of PROC_LA_CTL (the low ones) and bits of its status (the high ones)."""

    PROC_LA_CTL_LA48_ON_EXEC = 1
    """48-bit addresses from the next exec on."""
    PROC_LA_CTL_LA57_ON_EXEC = 2
    """57-bit addresses from the next exec on."""
    PROC_LA_CTL_DEFAULT_ON_EXEC = 3
    """The system's default from the next exec on."""
    PROC_LA_STATUS_LA48 = 0x01000000
    """48-bit addresses now."""
    PROC_LA_STATUS_LA57 = 0x02000000
    """57-bit addresses now."""


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
PROC_KPTI_CTL_ENABLE_ON_EXEC, PROC_KPTI_CTL_DISABLE_ON_EXEC, PROC_KPTI_STATUS_ACTIVE = Kpti
(
    PROC_LA_CTL_LA48_ON_EXEC, PROC_LA_CTL_LA57_ON_EXEC, PROC_LA_CTL_DEFAULT_ON_EXEC,
    PROC_LA_STATUS_LA48, PROC_LA_STATUS_LA57,
) = LinearAddress.__members__.values()  # fmt: skip
