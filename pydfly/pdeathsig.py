"""The parent-death signal in plain words: what this process gets when its parent dies.

It starts as 0 in every forked process, is kept by exec (not by one that changes ids by a set-id bit), and fires
again when the process that adopted this one dies.  On Linux it fires when the *thread* that forked this process
ends, even if that process lives on.
"""

from __future__ import annotations

from operator import index

from .backends import current
from .errors import BackendError, refusal
from .syscalls import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from signal import Signals
    from subprocess import Popen
    from typing import Any


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
    if expected_parent is None:
        control("PROC_PDEATHSIG_CTL", signal)
        return
    expected_parent = index(expected_parent)
    before = get()
    control("PROC_PDEATHSIG_CTL", signal)
    parent = current().processes.getppid()
    if parent != expected_parent:
        control("PROC_PDEATHSIG_CTL", before)
        raise refusal("procctl", "ESRCH", f"the parent is {parent} now: {expected_parent} has died already")


def get() -> int:
    """Return the signal, 0 for none.

    Source: procctl(2), PROC_PDEATHSIG_STATUS.
    """
    signal: int = control("PROC_PDEATHSIG_STATUS")
    return signal


def clear() -> None:
    """Set no signal."""
    set(0)


def popen(
    command: str | bytes | PathLike[Any] | Iterable[Any], signal: int | Signals = 9, **options: Any
) -> Popen[Any]:
    """Start a child that gets a signal when this process dies, without ``preexec_fn``.

    If the parent dies before the child has set the signal, the child gets it at once.  On x86-64 Linux a tiny program
    between fork and exec does it, and the start takes no longer than any; elsewhere, and for a file that may turn out
    not to be executable, it is a ``preexec_fn``.  On Linux the signal comes when the *thread* that called this ends:
    call it from one that stays.

    Args:
        command: program and arguments, as subprocess takes them.
        signal: ``int``; SIGKILL unless given.
        options: those of ``subprocess.Popen``, without ``preexec_fn``, ``executable`` and ``shell``.

    Raises:
        OSError: ENOENT, EACCES and whatever else subprocess raises.  (On x86-64 Linux a program that cannot be
            executed for want of memory, or because it is being written to, is exit status 127 instead.)
            EOPNOTSUPP, Linux would forget the signal at the exec: an effective id of this process is not the real one,
            and the child gets no other (``user``, ``group``).
        BackendError: the backend in force has no real processes.
        TypeError: an option that cannot be combined with this.
        ValueError: not a signal.

    Source: procctl(2), PROC_PDEATHSIG_CTL; prctl(2), PR_SET_PDEATHSIG.
    """
    from signal import NSIG  # one more than the highest

    backend = current()
    if not backend.live:
        raise BackendError(f"the {backend.name} backend has no real processes to start")
    wrong = {"preexec_fn", "executable", "shell"} & options.keys()
    if wrong:
        raise TypeError(f"pdeathsig.popen() does not take {', '.join(sorted(wrong))}")
    number = index(signal)
    if not 0 < number < NSIG:  # real-time signals have no names
        raise ValueError(f"{number} is not a signal")
    words: Any = [command] if hasattr(command, "__fspath__") or isinstance(command, (str, bytes)) else list(command)
    if backend.name == "linux":
        from .backends.linux.deathsig import is_lost_at_exec

        if is_lost_at_exec(options.get("user") is not None, options.get("group") is not None):
            reason = "Linux forgets the signal at an exec while an effective id is not the real one: setresuid() first"
            raise refusal("procctl", "EOPNOTSUPP", reason)
    if "pass_fds" in options:
        options["pass_fds"] = tuple(options["pass_fds"])
    return _launched(words, number, options) or _prepared(words, number, options)


def _launched(words: list[Any], signal: int, options: dict[str, Any]) -> Popen[Any] | None:
    """Start the command through the launcher; None where that cannot be, or subprocess is to say what is wrong."""
    from subprocess import Popen, SubprocessError

    from .backends.linux import launcher

    anybody = any(options.get(name) is not None for name in ("user", "group", "extra_groups"))
    program = launcher.find(words[0], options.get("env"), options.get("cwd"), anybody) if words else None
    between = launcher.make(signal, current().processes.getpid()) if program else None
    if program is None or between is None:
        return None
    if options.get("close_fds", True) or options.get("pass_fds"):  # else it is closed by the exec of the launcher
        options = {**options, "pass_fds": (*options.get("pass_fds", ()), between)}
    try:
        child: Popen[Any] = Popen([program, *words], executable=f"/proc/self/fd/{between}", **options)
    except (OSError, SubprocessError):  # E2BIG for the path, a policy against executing memory, or the caller's mistake
        return None
    finally:
        from os import close

        close(between)
    child.args = words
    return child


def _prepared(words: list[Any], signal: int, options: dict[str, Any]) -> Popen[Any]:
    """Start the command by way of a copy of this interpreter."""
    from subprocess import Popen

    parent = current().processes.getpid()
    return Popen(words, preexec_fn=lambda: set(signal, parent), **options)  # noqa: PLW1509  see popen()
