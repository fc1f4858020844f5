"""What DragonFly and FreeBSD number alike: idtypes, signals, wait options.

Sources: sys/sys/procctl.h (DragonFly), sys/sys/wait.h, sys/sys/signal.h (both).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class IdType(IntEnum):
    """``idtype_t``: what kind of thing an ``id_t`` names.  An unsigned C enum."""

    P_PID = 0
    """One process.  (Linux and macOS say 1.)"""
    P_PPID = 1
    """The children of one process."""
    P_PGID = 2
    """A process group."""
    P_SID = 3
    """A session."""
    P_CID = 4
    """A scheduling class."""
    P_UID = 5
    """A user."""
    P_GID = 6
    """A group of users."""
    P_ALL = 7
    """Every process.  (Linux says 0.)"""
    P_LWPID = 8
    """A thread."""
    P_TASKID = 9
    """A task."""
    P_PROJID = 10
    """A project."""
    P_POOLID = 11
    """A pool."""
    P_JAILID = 12
    """A jail."""
    P_CTID = 13
    """A contract."""
    P_CPUID = 14
    """A processor."""
    P_PSETID = 15
    """A set of processors."""


class Signal(IntEnum):
    """Signal numbers of both systems; compare by name with the host's ``signal.Signals``."""

    SIGHUP = 1
    """The terminal hung up."""
    SIGINT = 2
    """Interrupt from the terminal."""
    SIGQUIT = 3
    """Quit from the terminal."""
    SIGILL = 4
    """Illegal instruction."""
    SIGTRAP = 5
    """Trace trap."""
    SIGABRT = 6
    """abort(3)."""
    SIGEMT = 7
    """Emulator trap."""
    SIGFPE = 8
    """Arithmetic exception."""
    SIGKILL = 9
    """Kill; cannot be caught."""
    SIGBUS = 10
    """Bus error.  (Linux says 7.)"""
    SIGSEGV = 11
    """Segmentation violation."""
    SIGSYS = 12
    """Bad system call.  (Linux says 31.)"""
    SIGPIPE = 13
    """Write to a pipe without a reader."""
    SIGALRM = 14
    """Real-time timer."""
    SIGTERM = 15
    """Polite request to end."""
    SIGURG = 16
    """Urgent data on a socket; ignored by default."""
    SIGSTOP = 17
    """Stop; cannot be caught.  (Linux says 19.)"""
    SIGTSTP = 18
    """Stop from the terminal.  (Linux says 20.)"""
    SIGCONT = 19
    """Continue.  (Linux says 18.)"""
    SIGCHLD = 20
    """A child changed state; ignored by default.  (Linux says 17.)"""
    SIGTTIN = 21
    """Background read from the terminal."""
    SIGTTOU = 22
    """Background write to the terminal."""
    SIGIO = 23
    """Input or output is possible; ignored by default."""
    SIGXCPU = 24
    """Processor time limit exceeded."""
    SIGXFSZ = 25
    """File size limit exceeded."""
    SIGVTALRM = 26
    """Virtual timer."""
    SIGPROF = 27
    """Profiling timer."""
    SIGWINCH = 28
    """The window changed its size; ignored by default."""
    SIGINFO = 29
    """Status request from the terminal; ignored by default.  (Linux has none.)"""
    SIGUSR1 = 30
    """For the program's own use.  (Linux says 10.)"""
    SIGUSR2 = 31
    """For the program's own use.  (Linux says 12.)"""


class WaitOption(IntFlag):
    """Option bits of wait4(2) and wait6(2).  Live calls use the host's ``os.W*`` names instead."""

    WNOHANG = 1
    """Return at once when no child has changed state."""
    WUNTRACED = 2
    """Report stopped children too."""
    WCONTINUED = 4
    """Report continued children too.  (Linux says 8.)"""
    WNOWAIT = 8
    """Leave the child in its state, to be waited for again.  (Linux says 0x1000000.)"""
    WEXITED = 16
    """wait6: report children that have ended.  (Linux says 4.)"""
    WTRAPPED = 32
    """wait6: report traced children that have trapped."""


(
    P_PID, P_PPID, P_PGID, P_SID, P_CID, P_UID, P_GID, P_ALL, P_LWPID, P_TASKID, P_PROJID, P_POOLID, P_JAILID,
    P_CTID, P_CPUID, P_PSETID,
) = IdType  # fmt: skip
(
    SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGEMT, SIGFPE, SIGKILL, SIGBUS, SIGSEGV, SIGSYS, SIGPIPE,
    SIGALRM, SIGTERM, SIGURG, SIGSTOP, SIGTSTP, SIGCONT, SIGCHLD, SIGTTIN, SIGTTOU, SIGIO, SIGXCPU, SIGXFSZ,
    SIGVTALRM, SIGPROF, SIGWINCH, SIGINFO, SIGUSR1, SIGUSR2,
) = Signal  # fmt: skip
WNOHANG, WUNTRACED, WCONTINUED, WNOWAIT, WEXITED, WTRAPPED = WaitOption

SIG_MAXSIG = 128
"""``_SIG_MAXSIG``, the highest signal number of both systems (Linux: 64)."""
