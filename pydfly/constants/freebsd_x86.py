"""FreeBSD's numbers that only x86 has.  Source: sys/x86/include/procctl.h (13.2 and main)."""

from __future__ import annotations

from enum import IntFlag

PROC_PROCCTL_MD_MIN = 0x10000000
"""Machine-dependent commands start here."""


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


PROC_KPTI_CTL_ENABLE_ON_EXEC, PROC_KPTI_CTL_DISABLE_ON_EXEC, PROC_KPTI_STATUS_ACTIVE = Kpti
(
    PROC_LA_CTL_LA48_ON_EXEC,
    PROC_LA_CTL_LA57_ON_EXEC,
    PROC_LA_CTL_DEFAULT_ON_EXEC,
    PROC_LA_STATUS_LA48,
    PROC_LA_STATUS_LA57,
) = LinearAddress.__members__.values()
