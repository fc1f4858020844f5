"""Start a guard from any process, threads or not: posix_spawn, so that no Python runs in a copy of the caller."""

from __future__ import annotations

import os
import signal
import socket
import sys
from functools import partial

from ..errors import BackendError
from .descriptors import LOWEST, above_standard, closed_in_forks
from .owner_socket import OwnerSocket

Program = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = (
    "import sys; sys.path[:0] = {path!r}; "
    "import gc, os; gc.disable(); from pydfly import bytecode; bytecode.load(bytecode.GUARD); "
    "from pydfly.supervisor.keepers.guard_program import main; os._exit(main({control}, {owner}, {mask}))"
)
_MARK = "PYDFLY_HELPER"  # in the environment of helpers only
_LIBRARIES = "LD_LIBRARY_PATH"  # an interpreter may need it to start

_unwaited: list[tuple[object, int]] = []  # guards that this process has started and not collected, each with a mark


class Helper:
    """A guard that was started: a child of this process, the socket to it, and the interpreter that it runs."""

    def __init__(self, pid: int, control: OwnerSocket, program: str) -> None:
        self.pid = pid
        self.control = control
        self.program = program
        self.collected = False

    def ends(self) -> str:
        """Say what a wait for the end of it, and of the deputy, waits for."""
        return f"the end of the helpers (guard {self.pid})"

    def collect(self) -> bool:
        """Collect the guard if it has ended, and say whether it has."""
        if not self.collected:
            self.collected = _collect(self.pid)
        return self.collected

    def wake(self) -> bool:
        """Continue the guard if it was stopped, and say whether it lives."""
        try:
            if self.collect():
                return False
            os.kill(self.pid, signal.SIGCONT)  # a child that was not waited for: the pid is its own
        except OSError:  # a filter of system calls refuses it; a call that needs it says so
            pass
        return True


def guard(program: Program | None) -> Helper:
    """Start a guard, which runs this interpreter; None for this process's own.

    BackendError: this process is no plain Python interpreter, so one must be named.  OSError: it could not be started.
    """
    collect_unwaited()
    path = os.fsdecode(_own_interpreter() if program is None else program)
    mine, its = pair()
    control = OwnerSocket(mine)
    with its:
        wire = 4 if its.fileno() == 3 else 3  # a copy onto itself would stay close-on-exec on some systems
        actions = [
            (os.POSIX_SPAWN_DUP2, its.fileno(), wire),
            *((os.POSIX_SPAWN_OPEN, standard, os.devnull, os.O_RDWR, 0) for standard in (0, 1, 2)),
        ]
        # with every signal blocked from its first moment on, no Ctrl-C can end it; commands get the mask of this thread
        mask = sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        packages = [_ROOT, *([] if sys.platform == "linux" else sys.path)]  # the BSDs' binding needs cffi's run time
        code = _PROGRAM.format(path=packages, control=wire, owner=os.getpid(), mask=mask)
        environment = {_MARK: "1"} | {name: os.environ[name] for name in (_LIBRARIES,) if name in os.environ}
        spawn = partial(os.posix_spawn, file_actions=actions, setsigmask=signal.valid_signals())
        mark = object()
        # the pid is noted by C code, so that no exception of a signal handler can lose it: see descriptors.keep
        _unwaited.extend(
            zip((mark,), map(spawn, (path,), ([path, "-I", "-S", "-c", code],), (environment,)), strict=True)
        )
    return Helper(next(pid for known, pid in tuple(_unwaited) if known is mark), control, path)


def pair() -> tuple[socket.socket, socket.socket]:
    """Connect two sockets, neither of which any child of this process keeps; OSError: EMFILE, ENFILE, ENOMEM."""
    mine, its = (_above_standard(end) for end in socket.socketpair())
    closed_in_forks.update((mine, its))
    return mine, its


def _above_standard(end: socket.socket) -> socket.socket:
    return end if end.fileno() >= LOWEST else socket.socket(socket.AF_UNIX, fileno=above_standard(end.detach()))


def collect_unwaited() -> None:
    """Collect guards whose handles were dropped."""
    for _, pid in tuple(_unwaited):
        _collect(pid)


def _collect(pid: int) -> bool:
    try:
        ended = os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:  # a waitpid(-1) of the program has taken it
        ended = True
    if ended:
        _unwaited[:] = [noted for noted in _unwaited if noted[1] != pid]
    return ended


def _own_interpreter() -> str:
    if getattr(sys, "frozen", False):
        raise BackendError("a frozen application is no Python interpreter for the helpers: name one by interpreter=")
    if os.environ.get(_MARK):
        raise BackendError(f"{sys.executable} was started as a helper, but is no Python: name one by interpreter=")
    if not sys.executable:
        raise BackendError("this Python does not know its own interpreter for the helpers: name one by interpreter=")
    return sys.executable


os.register_at_fork(after_in_child=_unwaited.clear)
