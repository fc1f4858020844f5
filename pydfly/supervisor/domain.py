"""What guard and warden ask of the kernel: to adopt orphans, and to hear of the parent's death."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo

_IS_LINUX = sys.platform.startswith("linux")
_IS_FREEBSD = sys.platform.startswith("freebsd")


def adopt_orphans() -> None:
    """Become a reaper; who is one already stays one.

    Raises:
        SyscallError, BackendError, OSError: this system has no reapers.
    """
    if _IS_LINUX and os.readlink("/proc/self") != str(os.getpid()):
        raise OSError(errno.ENOTSUP, "/proc belongs to another pid namespace: mount one that shows this process")
    if _IS_LINUX:  # no more than this call: the whole friendly layer would cost twice the start
        from ..backends.linux.prctl import PR_SET_CHILD_SUBREAPER, prctl

        prctl(PR_SET_CHILD_SUBREAPER, 1)
        return
    from ..errors import AlreadyReaperError
    from ..reaper import acquire

    try:  # noqa: SIM105  contextlib would be imported for this alone
        acquire()
    except AlreadyReaperError:
        pass


def is_empty() -> bool:
    """Say whether nobody is left, now that wait has said ECHILD.

    On FreeBSD that is not the whole truth: wait never returns a process that was made by pdfork(2), but the domain
    counts it (sys/kern/kern_exit.c, kern_wait6(); kern_procctl.c, reap_status()).
    """
    if not _IS_FREEBSD:
        return True
    from ..reaper import status

    return not status().descendants


def die_with_parent(signal: int, parent: int) -> None:
    """Have this process get a signal when its parent dies, also when it has died already.

    Called only where the parent has one thread: Linux sends the signal at the death of the forking thread.
    """
    if _IS_LINUX:
        from ..backends.linux.prctl import PR_SET_PDEATHSIG, prctl

        prctl(PR_SET_PDEATHSIG, signal)
    else:
        from ..pdeathsig import set as set_pdeathsig

        set_pdeathsig(signal)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal)


def fill_standard_descriptors() -> None:
    """Open /dev/null in place of each standard descriptor that the caller has closed.

    A pipe of ours that got such a number would be taken for the command's stdin, stdout or stderr.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free number
        os.set_inheritable(number, True)
    os.close(number)


def let_go(*needed: int) -> None:
    """Close every descriptor but these and stderr; stdin and stdout become /dev/null.

    Whoever reads what the command writes must see the end of it when the command and its descendants are gone,
    and a lock that is held by a descriptor must be free then.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for standard in (0, 1):
        os.dup2(null, standard)
    close_all_but(*needed)


def close_all_but(*needed: int) -> None:
    """Close every descriptor but the standard ones and these."""
    start = 3
    for descriptor in sorted(needed):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def name_myself(name: str) -> None:
    """Take a name by which listings tell this process from the command; at most 15 characters."""
    if _IS_LINUX:
        with open("/proc/self/comm", "wb", buffering=0) as comm:
            comm.write(name.encode())


def take_precedence() -> None:
    """Run before everything else if that is allowed: among a thousand busy processes the killer gets a thousandth."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | getattr(os, "SCHED_RESET_ON_FORK", 0), os.sched_param(1))
    except (OSError, AttributeError):  # not the superuser, or a system without it
        return


def describe(pid: int) -> list[DescendantInfo]:
    """Describe a dead child before it is collected, where this system tells anything of one."""
    if not _IS_LINUX:
        return []
    from ..backends.linux import procfs

    return [procfs.ProcFs().info(pid)]
