"""The command ``pydfly``: finds the module of a command, and turns errors into exit statuses.

Each command is a module of this package with ``main(parsed) -> exit status``; it is imported only when it is called, so
that ``pydfly run`` starts as fast as it can.  ``options`` has the options of all.

Exit statuses: 2 for errors of use (UsageError), 1 for errors of the system (125 in ``run``), never a traceback.
"""

from __future__ import annotations

import _signal
import errno
import sys

from .options import COMMANDS, UsageError, parse, usage

__all__ = ["COMMANDS", "UsageError", "main", "usage"]


def main(arguments: list[str] | None = None, mask: set[int] | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        arguments: the words behind ``pydfly``; None for those of this process.
        mask: the signal mask that this process began with, where all signals are blocked by now.
    """
    words = sys.argv[1:] if arguments is None else arguments
    command = words[0] if words else "help"
    try:
        if arguments is None:
            _prepare_streams()
        status = _dispatch(words, mask)
        sys.stdout.flush()
    except UsageError as error:
        return complain(str(error), 2, last=True)
    except BrokenPipeError:
        _drop(1)
        return 1
    except KeyboardInterrupt:
        die_of(_signal.SIGINT)  # so that a loop of the calling shell ends as well
        return 130
    except MemoryError:
        return complain(f"{command}: no memory", _failure(command), last=True)
    except Exception as error:
        failure = _failure(command)
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):  # nothing can be loaded now
            return complain(f"{command}: {error.strerror}", failure, last=True)
        from ..errors import BackendError, SyscallError

        if isinstance(error, SyscallError):
            return complain(f"{error.syscall}: {error.strerror}: {error.reason}", failure, last=True)
        if isinstance(error, OSError):
            _drop(1)  # if that is what was refused (a full disk), the interpreter would complain once more
            return complain(f"{error.filename or command}: {error.strerror or error}", failure, last=True)
        if isinstance(error, BackendError):
            return complain(f"backend: {error}", failure, last=True)
        raise
    if arguments is None and command in ("run", "svc", "resident"):
        _leave(status)
    return status


def _failure(command: str) -> int:
    """Return the exit status of a command that failed itself: 1 would be taken for that of the program in ``run``."""
    return 125 if command == "run" else 1


def _dispatch(words: list[str], mask: set[int] | None) -> int:
    if not words:
        raise UsageError(usage())
    name, *rest = words
    if name in {"-h", "--help"}:
        print(usage())
        return 0
    if name == "--version":
        from .. import __version__

        print(f"pydfly {__version__}")
        return 0
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        raise UsageError(f"unknown {kind} {name!r}; `pydfly --help` lists the commands")
    parsed = rest if COMMANDS[name].own_parser else parse(name, rest)
    if parsed is None:
        from .help import command_help

        print(command_help(name))
        return 0
    if name == "run":
        import gc

        from .. import bytecode

        gc.disable()  # nothing loaded here is garbage, and a collection in a helper would copy memory that all share
        bytecode.load(bytecode.RUN)
    module = __import__(f"{__name__}.{name}", fromlist=["main"])  # importlib would cost more than the module
    status: int = module.main(parsed, mask) if name == "run" else module.main(parsed)
    return status


def _prepare_streams() -> None:
    """Make stdout and stderr what every command can write to.

    Where the caller has closed one, a file that is opened later would get its number and be written to instead.
    """
    import os

    try:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free number
            name = ("stdin", "stdout", "stderr")[descriptor]
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115
        os.close(descriptor)
    except (FileNotFoundError, PermissionError):  # no /dev, as in a bare chroot
        for descriptor in range(3):
            os.fstat(descriptor)  # EBADF: there is nothing to put in its place
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # the names of processes and files may be anything


def _escaped(text: str) -> str:
    """Return what a person can read without harm, also where no more files can be opened."""
    try:
        from ..escape import escape  # only a command that fails needs it
    except (OSError, ImportError, MemoryError):
        return ascii(text)[1:-1]
    return escape(text)


def complain(text: str, status: int, *, last: bool = False) -> int:
    """Say on stderr what is wrong, and return the status; ``last``: the interpreter shuts down next."""
    try:
        print(text if text.startswith("usage:") else f"pydfly: {_escaped(text)}", file=sys.stderr, flush=True)
    except OSError:  # nothing can be said there; the status tells the same
        if last:  # else a command may get this stream
            _drop(2)
    return status


def _leave(status: int) -> None:
    """Exit, or for -N end by signal N, without the interpreter's own shutdown, which takes longer than all the rest."""
    import os

    if status < 0:
        die_of(-status)
        status = 128 - status  # process 1 cannot be ended like this
    os._exit(status)


def die_of(number: int) -> None:
    """End by a signal, without a core; comes back only where the kernel does not let a signal end this process."""
    import os

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (OSError, ImportError, MemoryError):  # it cannot be loaded any more: at worst there is a core
        pass
    if number not in (_signal.SIGKILL, _signal.SIGSTOP):
        _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])


def _drop(descriptor: int) -> None:
    """Point a stream nowhere, so that the interpreter's last flush does not fail once more."""
    import os

    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no /dev, or no more descriptors: a copy of stdin takes no output either
        nowhere = 0
    try:
        os.dup2(nowhere, descriptor)
    except OSError:  # the caller has closed that, too
        return
