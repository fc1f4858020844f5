"""The attributes of a process that FreeBSD's procctl sets and Linux has too.

Linux lets a process set them for itself only, and keeps NO_NEW_PRIVS and the personality for each thread: set them
from the main thread, before others are started.
"""

from __future__ import annotations

import os

from ...constants import freebsd as numbers
from ...errors import refusal
from . import prctl
from .procfile import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...structs import Data, DescendantInfo

ADDR_NO_RANDOMIZE = 0x0040000  # include/uapi/linux/personality.h
_ASK = 0xFFFFFFFF  # personality(): change nothing
_at_first: int | None = None  # before anything was changed here


def _status_field(target: DescendantInfo | None, name: bytes) -> int:
    """Read a number from /proc/PID/status."""
    text = read(f"/proc/{os.getpid() if target is None else target.pid}/status")
    return int(next(line for line in text.splitlines() if line.startswith(name + b":")).split()[1])


def _own(target: DescendantInfo | None) -> None:
    if target is not None:
        raise refusal("procctl", "EPERM", "Linux lets a process set this for itself only")


def no_new_privs_ctl(target: DescendantInfo | None, value: int) -> None:
    """PR_SET_NO_NEW_PRIVS: as irreversible as on FreeBSD."""
    _own(target)
    if value != numbers.PROC_NO_NEW_PRIVS_ENABLE:
        raise refusal("procctl", "EINVAL", "PROC_NO_NEW_PRIVS_ENABLE is the only value")
    prctl.prctl(prctl.PR_SET_NO_NEW_PRIVS, 1)


def no_new_privs_status(target: DescendantInfo | None, data: Data) -> int:
    """1 or 2, of any process that can be seen."""
    enabled = _status_field(target, b"NoNewPrivs")
    return int(numbers.PROC_NO_NEW_PRIVS_ENABLE if enabled else numbers.PROC_NO_NEW_PRIVS_DISABLE)


def trace_ctl(target: DescendantInfo | None, value: int) -> None:
    """PR_SET_DUMPABLE: no debugger of other users, no core dump; an exec resets it."""
    _own(target)
    if _status_field(None, b"TracerPid"):
        raise refusal("procctl", "EBUSY", "the process is being traced")
    if value == numbers.PROC_TRACE_CTL_DISABLE_EXEC:
        raise refusal("procctl", "EOPNOTSUPP", "Linux allows tracing again at the next exec")
    if value not in (numbers.PROC_TRACE_CTL_ENABLE, numbers.PROC_TRACE_CTL_DISABLE):
        raise refusal("procctl", "EINVAL", "PROC_TRACE_CTL has no such value")
    prctl.prctl(prctl.PR_SET_DUMPABLE, int(value == numbers.PROC_TRACE_CTL_ENABLE))


def trace_status(target: DescendantInfo | None, data: Data) -> int:
    """-1, the debugger's pid, or 0; Linux does not tell whether another process allows tracing."""
    if target is not None:
        raise refusal("procctl", "EOPNOTSUPP", "Linux does not tell whether another process allows tracing")
    return _status_field(None, b"TracerPid") if prctl.prctl(prctl.PR_GET_DUMPABLE) == 1 else -1


def aslr_ctl(target: DescendantInfo | None, value: int) -> None:
    """personality(2): randomisation can be switched off for the next exec, and on again as the system has it."""
    _own(target)
    if not 1 <= value <= numbers.PROC_ASLR_NOFORCE:
        raise refusal("procctl", "EINVAL", "PROC_ASLR_CTL has no such value")
    if value == numbers.PROC_ASLR_FORCE_ENABLE:
        raise refusal("procctl", "EOPNOTSUPP", "Linux randomises as the system's policy says, or not at all")
    present = _personality(_ASK)
    off = value == numbers.PROC_ASLR_FORCE_DISABLE
    _personality(present | ADDR_NO_RANDOMIZE if off else present & ~ADDR_NO_RANDOMIZE)


def aslr_status(target: DescendantInfo | None, data: Data) -> int:
    """FORCE_DISABLE or NOFORCE, and ACTIVE if the present image is randomised."""
    if target is not None:
        raise refusal("procctl", "EOPNOTSUPP", "Linux does not tell this of another process")
    off = _personality(_ASK) & ADDR_NO_RANDOMIZE
    value = numbers.PROC_ASLR_FORCE_DISABLE if off else numbers.PROC_ASLR_NOFORCE
    # the exec of the present image found the personality that this process had at first, and this policy
    fixed = (_at_first or 0) & ADDR_NO_RANDOMIZE or read("/proc/sys/kernel/randomize_va_space").strip() == b"0"
    return int(value) | (0 if fixed else int(numbers.PROC_ASLR_ACTIVE))


def _personality(persona: int) -> int:
    """Call personality(2), and return what it was before."""
    from ctypes import c_ulong

    global _at_first
    library = prctl.libc()
    before: int = library.personality(c_ulong(persona))
    if _at_first is None:
        _at_first = before
    return before


CONTROLS: dict[int, Callable[[DescendantInfo | None, Any], object]] = {
    numbers.PROC_NO_NEW_PRIVS_CTL: no_new_privs_ctl,
    numbers.PROC_NO_NEW_PRIVS_STATUS: no_new_privs_status,
    numbers.PROC_TRACE_CTL: trace_ctl,
    numbers.PROC_TRACE_STATUS: trace_status,
    numbers.PROC_ASLR_CTL: aslr_ctl,
    numbers.PROC_ASLR_STATUS: aslr_status,
}
"""What does each command."""
