"""The command ``pydfly``: finds the module of a command, and turns errors into exit statuses.

Each command is a module of this package with ``main(arguments) -> exit status``; it is imported only when it is
called, so that ``pydfly run`` starts as fast as it can.  Exit statuses: 2 for errors of use (UsageError), 1 for
errors of the system, never a traceback.
"""

from __future__ import annotations

import sys

COMMANDS = {
    "run": "run a command so that nothing it starts outlives it",
    "resident": "make programs resident, list and remove them: resident(8)",
    "status": "show the calling process's reaper status and parent-death signal",
    "tree": "show the descendants of a process as a tree",
    "doctor": "say which backend answers, why, and what this machine lacks",
    "replay": "play recorded scenarios on the simulated kernel and show every difference",
    "conform": "run the conformance checks on the backend in force",
    "help": "show a manual page",
    "completion": "print the completion for bash, zsh or fish",
}


class UsageError(Exception):
    """A command line that cannot be meant: the text goes to stderr, exit status 2."""


def usage() -> str:
    """Return the text of ``pydfly --help``."""
    lines = ["usage: pydfly [--help] [--version] COMMAND ...", "", "commands:"]
    lines += [f"  {name:<12}{summary}" for name, summary in COMMANDS.items()]
    more = "`pydfly COMMAND --help` and `pydfly help COMMAND` say more."
    return "\n".join([*lines, "", more, "$PYDFLY_BACKEND chooses the backend."])


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # the names of processes and files may be anything
    try:
        status = _dispatch(words)
        print(end="", flush=True)  # sys.stdout.flush(), also where stdout was closed by the caller
    except UsageError as error:
        return _complain(str(error), 2)
    except BrokenPipeError:
        _drop_stdout()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from ..errors import BackendError, SyscallError

        if isinstance(error, SyscallError):
            return _complain(f"{error.syscall}: {error.strerror}: {error.reason}", 1)
        if isinstance(error, OSError):
            return _complain(f"{error.filename or words[0]}: {error.strerror or error}", 1)
        if isinstance(error, BackendError):
            return _complain(f"backend: {error}", 1)
        raise
    if arguments is None and words[0] == "run":
        _leave(status)
    return status


def _dispatch(words: list[str]) -> int:
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
    module = __import__(f"{__name__}.{name}", fromlist=["main"])  # importlib would cost more than the module
    status: int = module.main(rest)
    return status


def _complain(text: str, status: int) -> int:
    if text.startswith("usage:"):
        print(text, file=sys.stderr)
    else:
        print(f"pydfly: {text}", file=sys.stderr)
    return status


def _leave(status: int) -> None:
    """Exit without the interpreter's own shutdown, which takes longer than all that was done before."""
    import os

    if sys.stderr is not None:  # the caller may have closed it
        sys.stderr.flush()
    os._exit(status)


def _drop_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush finds nobody to complain to."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
