"""Start the command: fork and exec in a process that has one thread, so that nothing can go wrong between them."""

from __future__ import annotations

import errno
import os

from .domain import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .launch import Launch, Word
    from .mailbox import Mailbox


def start(launch: Launch, mailbox: Mailbox, leave: Callable[[], None]) -> int:
    """Start the command and return its pid.

    Args:
        launch: what to start.
        mailbox: gives the command the signals as they were.
        leave: called between fork and exec in this process: the session can only be left when the command was
            forked into it, and the command must not run before, or a signal to its process group could end both.

    Raises:
        OSError: the errno of exec or chdir, ``filename`` the path that was refused.
    """
    hold, go = os.pipe()
    told, tell = os.pipe()
    warden = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(launch, mailbox, warden, hold, go, tell)
    leave()
    os.write(go, b"!")
    for descriptor in (hold, go, tell):
        os.close(descriptor)
    failure = os.read(told, 4096)  # nothing at all once exec has closed the other end
    os.close(told)
    if failure:
        os.waitpid(pid, 0)
        number, _, path = failure.partition(b" ")
        raise OSError(int(number), os.strerror(int(number)), os.fsdecode(path))
    return pid


def _become(launch: Launch, mailbox: Mailbox, warden: int, hold: int, go: int, tell: int) -> None:
    """Turn this forked child into the command; never returns."""
    failure = "0"
    try:
        os.close(go)
        if not os.read(hold, 1):
            return  # the warden is dead
        if launch.cwd is not None:
            failure = os.fsdecode(launch.cwd)
            os.chdir(launch.cwd)
        if launch.pdeathsig:
            die_with_parent(launch.pdeathsig, warden)
        mailbox.restore()
        failure = os.fsdecode(launch.command[0])
        _exec(launch.command, os.environb if launch.env is None else launch.env)
    except OSError as error:
        os.write(tell, b"%d %s" % (error.errno or errno.ENOEXEC, os.fsencode(failure)))
    finally:
        os._exit(127)


def _exec(command: list[Word], env: object) -> None:
    """Execute a program that is looked for as execvp(3) does: a refusal counts more than an absence."""
    program = os.fsencode(command[0])
    if b"/" in program:
        os.execve(program, command, env)  # type: ignore[arg-type]  # noqa: S606
    path = env.get(b"PATH") or env.get("PATH") or os.defpath  # type: ignore[attr-defined]
    refused: OSError | None = None
    for directory in os.fsencode(path).split(b":"):
        try:
            os.execve((directory or b".") + b"/" + program, command, env)  # type: ignore[arg-type]  # noqa: S606
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refused = refused or error
    raise refused or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
