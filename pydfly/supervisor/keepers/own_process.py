"""What the helpers ask of the kernel: to adopt orphans, to hear of the parent's death, to be left alone."""

from __future__ import annotations

import _signal
import errno
import os
import sys

_IS_LINUX = sys.platform.startswith("linux")
_IS_FREEBSD = sys.platform.startswith("freebsd")
if _IS_LINUX:  # here, because a process that was just forked pays more for each import than any other
    from ...backends.linux import prctl as linux
    from ...backends.linux.prctl import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_PDEATHSIG, prctl, set_name
_ENV_START = 47  # field 50 of proc(5)'s stat, counted from the one after the name


def adopt_orphans() -> None:
    """Become a reaper, or stay one; SyscallError, BackendError, OSError: this system has no reapers."""
    if _IS_LINUX:  # no more than this call: the whole friendly layer would cost twice the start
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        return
    from ...backends import bsd_helper_calls

    bsd_helper_calls.become_reaper()


def protect_myself() -> None:
    """Keep a descendant of the same user from attaching a debugger to this process, and from reading its memory.

    A traced helper would stand still and be deaf for good.  The superuser may attach all the same.
    """
    if _IS_LINUX:
        prctl(PR_SET_DUMPABLE, 0)
    elif _IS_FREEBSD:
        from ...backends import bsd_helper_calls

        try:  # noqa: SIM105  contextlib would be imported for this alone
            bsd_helper_calls.refuse_debuggers()
        except OSError:  # an older kernel
            pass


def inherit_as_forked() -> None:
    """Hand on to the command what a child of fork(2) has, though this process was started by posix_spawn(3)."""
    if _IS_LINUX:
        linux.heed_internal_signals()


def hide_environment() -> None:
    """Clear the environment that this process was started with, in the memory that /proc/PID/environ shows.

    A cleaner of a CI that kills by a variable (a cookie) would otherwise hit guard, deputy and warden at once.
    ``os.environ`` stays as it is.  Called before ``protect_myself``, after which the memory cannot be opened.
    """
    if not _IS_LINUX:
        return
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[_ENV_START]), int(fields[_ENV_START + 1])
        memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
    except (OSError, ValueError, IndexError):  # no harm: only such a cleaner sees more
        return
    try:
        os.pwrite(memory, bytes(max(0, end - start)), start)
    except OSError:
        return
    finally:
        os.close(memory)


def is_empty() -> bool:
    """Say whether no process is left, now that wait has said ECHILD.

    On FreeBSD that is not the whole truth: wait never returns a process that was made by pdfork(2), but the domain
    counts it (sys/kern/kern_exit.c, kern_wait6(); kern_procctl.c, reap_status()).
    """
    if not _IS_FREEBSD:
        return True
    from ...backends import bsd_helper_calls

    return not bsd_helper_calls.count_members()


def die_with_parent(signal: int, parent: int) -> None:
    """Have this process get a signal when its parent dies, also when it has died already.

    Called only where the parent has one thread: Linux sends the signal at the death of the forking thread.
    """
    if _IS_LINUX:
        prctl(PR_SET_PDEATHSIG, signal)
    else:
        from ...backends import bsd_helper_calls

        bsd_helper_calls.signal_at_parents_death(signal)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal)


def continue_parent(helpers: tuple[int, ...]) -> None:
    """Continue the parent, if it was stopped and is one of these helpers.

    DragonFly lets the owner of a domain signal nothing above it: there a stopped parent stays stopped.
    """
    parent = os.getppid()
    if parent > 1 and parent in helpers and not sys.platform.startswith("dragonfly"):
        try:  # noqa: SIM105  contextlib would be imported for this alone
            os.kill(parent, _signal.SIGCONT)
        except OSError:  # it has just ended
            pass


class Lifeline:
    """A pipe whose other end the parent holds: it is cut when the parent has died, or has closed that end as an order.

    Nothing is ever written to it.  A warden needs the ``others`` to stay open, too.
    """

    def __init__(self, descriptor: int, others: tuple[int, ...] = ()) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._others = others
        self.parent = 0
        self.news = -1
        """A pipe by which the parent hears that a start is over; -1 if it does not want to know."""

    def renew(self) -> None:
        """Belong to the process that calls this, after a fork."""
        self.parent = os.getppid()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What this needs to stay open."""
        own = (self.descriptor, self.news) if self.news >= 0 else (self.descriptor,)
        return *own, *self._others

    def tell_started(self) -> None:
        """Let the parent know that what it has put off can be done now."""
        if self.news >= 0:
            try:  # noqa: SIM105  contextlib would be imported for this alone
                os.write(self.news, b"!")
            except OSError:  # it is full of news, or the parent is dead
                pass
            os.close(self.news)
            self.news = -1

    def is_cut(self) -> bool:
        """Say whether this process should end what it guards."""
        if os.getppid() != self.parent:
            return True
        try:
            return os.read(self.descriptor, 1) == b""
        except BlockingIOError:
            return False


def stand_alone(lifeline: Lifeline, signal: int) -> None:
    """Belong to the parent as a warden does: adopt orphans (or raise as that does), and get a signal when it dies."""
    lifeline.renew()
    adopt_orphans()
    die_with_parent(signal, lifeline.parent)


def fill_standard_descriptors() -> None:
    """Open /dev/null in place of each standard descriptor that the caller has closed.

    A pipe of ours that got such a number would be taken for the command's stdin, stdout or stderr.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free number
        os.set_inheritable(number, True)
    os.close(number)


def let_go(null: int, *needed: int) -> None:
    """Close every descriptor but the needed ones; the standard ones become /dev/null, which ``null`` is open for.

    A reader of what the command writes must see the end of it when the command and its descendants are gone, and a lock
    that is held by a descriptor must be free then.
    """
    blind(null, 0, 1, 2)
    close_all_but(*needed)


def blind(null: int, *standard: int) -> None:
    """Make descriptors those of /dev/null, which ``null`` is open for.

    EBADF: the command is quick, and has taken RLIMIT_NOFILE away already; they are closed then.
    """
    for number in standard:
        try:
            os.dup2(null, number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            os.close(number)


def close_all_but(*needed: int) -> None:
    """Close every descriptor but the standard ones and these: those that are open, not every number up to a limit."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd" if _IS_LINUX else "/dev/fd")]
    except (OSError, ValueError):
        numbers = []
    if not _IS_LINUX and len(numbers) <= 3:  # /dev/fd without fdescfs shows no more than the standard ones
        from ...backends import bsd_helper_calls

        _close_gaps(sorted(needed))
        bsd_helper_calls.close_from(max((2, *needed)) + 1)
        return
    for number in numbers or range(3, 256):
        if number > 2 and number not in needed:
            try:  # noqa: SIM105  contextlib would be imported for this alone
                os.close(number)
            except OSError:  # what listed them is closed already
                pass


def _close_gaps(needed: list[int]) -> None:
    start = 3
    for number in needed:
        os.closerange(start, number)
        start = max(start, number + 1)


def name_myself(name: str) -> None:
    """Take a name by which listings tell this process from the command; the kernel keeps 15 bytes of it."""
    if _IS_LINUX:
        set_name(os.fsencode(name))


def take_precedence(will_fork: bool) -> None:
    """Run before everything else if that is allowed: among a thousand busy processes it would get a thousandth.

    Not where the real-time CPU time is limited: beyond the limit the kernel kills, and a storm leaves no time to sleep.

    Args:
        will_fork: this process may fork commands later, which would inherit it; only Linux has a flag against that.
    """
    reset = getattr(os, "SCHED_RESET_ON_FORK", 0)
    if will_fork and not reset:
        return
    resource = sys.modules.get("resource")  # a warden has it; nothing is imported during an ending
    limit = getattr(resource, "RLIMIT_RTTIME", None)
    try:
        if resource and limit is not None and resource.getrlimit(limit)[1] != resource.RLIM_INFINITY:
            return
        os.sched_setscheduler(0, os.SCHED_FIFO | reset, os.sched_param(1))
    except (OSError, AttributeError):  # not the superuser, or a system without it
        return
