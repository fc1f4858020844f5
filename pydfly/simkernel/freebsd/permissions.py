"""Which processes a process may see, control and signal on FreeBSD: sys/kern/kern_prot.c.

Each function returns the name of the errno that refuses, or None.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import signals
from ..proc import Proc

SYSCTLS: Mapping[str, int] = {
    "security.bsd.see_other_uids": 1,
    "security.bsd.see_other_gids": 1,
    "security.bsd.unprivileged_proc_debug": 1,
    "security.bsd.conservative_signals": 1,
}
"""The switches that are looked at here, and their values at boot."""
USUAL_SIGNALS = frozenset({0, 1, 2, 9, 14, 15, 17, 18, 21, 22, 30, 31})
"""What may be sent to a process that changed its ids: 0, HUP, INT, KILL, ALRM, TERM, job control, USR1, USR2."""


def _sysctl(process: Proc, name: str) -> int:
    return process.kernel.flavour.sysctls[f"security.bsd.{name}"]


def cansee(process: Proc, target: Proc) -> str | None:
    """p_cansee(): prison_check(), then cr_bsd_visible()."""
    if process is target:
        return None
    if process.jailed and not target.jailed:
        return "ESRCH"
    if process.euid != 0:
        if process.ruid != target.ruid and not _sysctl(process, "see_other_uids"):
            return "ESRCH"
        if {process.egid, process.rgid}.isdisjoint((target.egid, target.rgid)) and not _sysctl(
            process, "see_other_gids"
        ):
            return "ESRCH"
    return None


def candebug(process: Proc, target: Proc) -> str | None:
    """p_candebug(): the right that most _CTL commands need."""
    if process is target:
        return None
    root = process.euid == 0
    if not root and not _sysctl(process, "unprivileged_proc_debug"):
        return "EPERM"
    if cansee(process, target) is not None:
        return "ESRCH"
    own_ids = {target.euid, target.svuid, target.ruid} == {process.euid}
    own_groups = {target.egid, target.svgid, target.rgid} == {process.egid}
    if not root and not (own_ids and own_groups and not target.setid_mark):
        return "EPERM"
    if not root and target.controls.get("notrace"):
        return "EPERM"
    return None


def cr_cansignal(process: Proc, target: Proc, sig: int) -> str | None:
    """cr_cansignal(): credentials only; a process that asks about itself has no privilege here."""
    if cansee(process, target) is not None:
        return "ESRCH"
    if process.euid == 0:
        return None
    if target.setid_mark and _sysctl(process, "conservative_signals"):
        number = signals.meaning(process.kernel, sig)
        if number not in USUAL_SIGNALS:
            return "EPERM"
    if {process.ruid, process.euid}.isdisjoint((target.ruid, target.svuid)):
        return "EPERM"
    return None


def cansignal(process: Proc, target: Proc, sig: int) -> str | None:
    """p_cansignal(): always itself, and SIGCONT within its session."""
    if process is target:
        return None
    if process.sid == target.sid and sig and signals.meaning(process.kernel, sig) == signals.SIGCONT:
        return None
    return cr_cansignal(process, target, sig)
