"""The parent-death signal in plain words: what this process gets when its parent dies.

It starts as 0 in every forked process, is kept by exec (not by one that changes ids by a set-id bit), and fires
again when the process that adopted this one dies.  On Linux it fires when the *thread* that forked this process
ends, even if that process lives on.
"""

from __future__ import annotations

from .backends import current
from .syscalls import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import Signals


def set(signal: int | Signals, expected_parent: int | None = None) -> None:
    """Set the signal.

    Args:
        signal: ``int``, a signal number; 0 for none.
        expected_parent: pid of the parent that is to be watched.  It is compared with the real one after the
            signal was set: a parent that died before that sends nothing any more.

    Raises:
        ProcessLookupError: ESRCH, the parent is not ``expected_parent`` any longer; the setting is cleared again.
        OSError: EINVAL, not a signal (FreeBSD; DragonFly ignores it silently); 128 on DragonFly, which would panic
            that kernel; EOPNOTSUPP, stored but not deliverable on this host.
        TypeError, OverflowError: not an int, or no C int.

    Source: procctl(2), PROC_PDEATHSIG_CTL.
    """
    before = get() if expected_parent is not None else 0
    control("PROC_PDEATHSIG_CTL", signal)
    if expected_parent is None:
        return
    parent = current().processes.getppid()
    if parent != expected_parent:
        from .errors import refusal

        control("PROC_PDEATHSIG_CTL", before)
        raise refusal(
            "procctl",
            "ESRCH",
            f"the parent is {parent} now: {expected_parent} has died already",
        )


def get() -> int:
    """Return the signal, 0 for none.

    Source: procctl(2), PROC_PDEATHSIG_STATUS.
    """
    signal = control("PROC_PDEATHSIG_STATUS")
    assert isinstance(signal, int)
    return signal


def clear() -> None:
    """Set no signal."""
    set(0)
