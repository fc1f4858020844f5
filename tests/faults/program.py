"""``pydfly run``, or a ``Supervisor``, with one fault: a call of one helper fails, or one line of it has no memory.

usage: program.py ROLE NAME COUNT ERROR LOG WORD...

WORD...: the words after ``pydfly``; or ``Supervisor``, which starts two domains, each a command of the words that
follow, and then stops.

ROLE: guard, deputy or warden.  NAME: a function of ``CALLS``, or ``line``: any line of the package, or ``calls``: each
of those functions, to count them.  COUNT: which of those calls or lines fails; 0 for none.  ERROR: name of an errno, or
MemoryError.  LOG: a file to which each process adds, with the name, how often it came by.
"""

from __future__ import annotations

import _signal
import _socket
import errno
import fcntl
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pydfly
from pydfly.backends.linux import prctl

ROLES = ("guard", "deputy", "warden", "command")
CALLS = {
    f"{module.__name__}.{name}": (module, name)
    for module, names in [
        (os, "fork open close read pread write pipe dup dup2 kill killpg waitpid waitid wait4 getsid getpgid listdir"),
        (os, "readlink stat setsid set_blocking pidfd_open sched_setscheduler getppid pwrite fstat get_inheritable"),
        (_signal, "pthread_sigmask sigwaitinfo sigtimedwait signal pidfd_send_signal"),
        (fcntl, "fcntl"),
        (_socket, "socketpair"),
        (prctl, "prctl"),
    ]
    for name in names.split()
}
PACKAGE = str(Path(pydfly.__file__).parent) + "/"
ROOT = str(Path(__file__).parents[2])
FAILED = 125


class Fault:
    """The one fault, and how often each process came by."""

    def __init__(self, role: str, name: str, count: int, error: str, log: str) -> None:
        self.depth = 0
        self.seen = 0
        self.role, self.name, self.count, self.error, self.log = role, name, count, error, log
        self.write, self.open, self.close = os.write, os.open, os.close

    def come_by(self) -> None:
        """Count, and fail if it is time."""
        if self.depth >= len(ROLES) or ROLES[self.depth] != self.role:
            return
        self.seen += 1
        if self.count == 0:
            if self.seen % 50 == 1:
                self.tell()
        elif self.seen == self.count:
            raise self.exception()

    def tell(self) -> None:
        """Write down how often this process came by."""
        descriptor = self.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.write(descriptor, b"%s %d\n" % (self.name.encode(), self.seen))
        self.close(descriptor)

    def exception(self) -> BaseException:
        """Return what is raised."""
        if self.error == "MemoryError":
            return MemoryError()
        number = getattr(errno, self.error)
        return OSError(number, os.strerror(number))

    def plant(self) -> None:
        """Put the fault where it belongs."""
        fork = os.fork

        def counted_fork() -> int:
            pid = fork()
            if pid == 0:
                self.depth += 1
                self.seen = 0
            return pid

        os.fork = counted_fork
        if self.name == "line":
            sys.settrace(self.trace)
            return
        module, name = CALLS[self.name]
        original = getattr(module, name)

        def failing(*values: Any, **named: Any) -> Any:
            self.come_by()
            return original(*values, **named)

        setattr(module, name, failing)

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        """Fail at a line of the package."""
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.come_by()
        return self.trace


def plant(role: str, name: str, count: int, error: str, log: str) -> None:
    """Put the fault where it belongs; for ``calls`` one that only counts into each function."""
    faults = [Fault(role, each, count, error, log) for each in (CALLS if name == "calls" else [name])]
    for fault in faults:
        fault.plant()


def main() -> int:
    """Run the command line, or a Supervisor, with the fault in it."""
    role, name, count, error, log, *words = sys.argv[1:]
    if words[0] == "Supervisor":
        return supervise(words[1:], (role, name, int(count), error, log))
    import pydfly.cli.run  # noqa: F401  what is loaded before anything is started is not what is tried here

    plant(role, name, int(count), error, log)
    sys.argv[1:] = words
    from pydfly.cli import main as command

    return command()


def supervise(command: list[str], fault: tuple[str, str, int, str, str]) -> int:
    """Start two domains under one guard, which has the fault; it and nothing else may be told."""
    from pydfly.supervisor import start_guard

    here = "from pydfly"
    planted = f"sys.path.insert(0, {ROOT!r}); from tests.faults.program import plant; plant(*{fault!r}); "
    assert here in start_guard._PROGRAM
    start_guard._PROGRAM = start_guard._PROGRAM.replace(here, planted + here, 1)
    try:
        with pydfly.Supervisor(grace=0.2) as supervisor:
            handles = [supervisor.supervise(command) for _ in range(2)]
            for handle in handles:
                handle.wait_command()
    except (OSError, MemoryError, pydfly.SupervisionError):
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
