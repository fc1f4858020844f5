"""Start the command: fork and exec in a process that has one thread, so that nothing can go wrong between them."""

from __future__ import annotations

import errno
import os

from .domain import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .launch import Launch
    from .mailbox import Mailbox


def start(
    launch: Launch,
    mailbox: Mailbox,
    leave: Callable[[], None],
    descriptors: dict[int, int],
    cwd_descriptor: int | None,
) -> tuple[int, int]:
    """Fork the command's process; its exec is not waited for, as a dead file system may block it for ever.

    Args:
        launch: what to start.
        mailbox: gives the command the signals as they were.
        leave: called between fork and exec in this process: the session can only be left when the command was
            forked into it, and the command must not run before, or a signal to its process group could end both.
        descriptors: which number in the command is which descriptor here.
        cwd_descriptor: the directory that ``launch.cwd`` is relative to; None for this process's own.

    Returns:
        The pid, and a descriptor at which ``outcome`` can be read: nothing at all once the command was executed.

    Raises:
        OSError: EAGAIN, ENOMEM, no process can be had; EMFILE, ENFILE, no descriptor.
    """
    hold, go = os.pipe()
    told, tell = os.pipe()
    warden = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        for descriptor in (hold, go, told, tell):
            os.close(descriptor)
        raise
    if pid == 0:
        _become(launch, mailbox, warden, (hold, go, tell), descriptors, cwd_descriptor)
    leave()
    os.write(go, b"!")
    for descriptor in (hold, go, tell):
        os.close(descriptor)
    os.set_blocking(told, False)
    return pid, told


def outcome(data: bytes) -> tuple[str, int | None, str, str | None] | None:
    """Decode what the child told: None when it has become the command, else what refused that."""
    if not data:
        return None
    number, _, path = data.partition(b" ")
    return "OSError", int(number), os.strerror(int(number)), os.fsdecode(path)


def _become(
    launch: Launch,
    mailbox: Mailbox,
    warden: int,
    pipes: tuple[int, int, int],
    descriptors: dict[int, int],
    cwd_descriptor: int | None,
) -> None:
    """Turn this forked child into the command; never returns."""
    hold, go, tell = pipes
    failure = ""
    try:
        os.close(go)
        if not os.read(hold, 1):
            return  # the warden is dead
        tell = _arrange(descriptors, tell)
        if cwd_descriptor is not None:
            os.fchdir(cwd_descriptor)
        if launch.cwd is not None:
            failure = os.fsdecode(launch.cwd)
            os.chdir(launch.cwd)
        if launch.pdeathsig:
            die_with_parent(launch.pdeathsig, warden)
        mailbox.restore()
        failure = os.fsdecode(launch.command[0])
        _exec(launch.command, launch.env)
    except OSError as error:
        os.write(tell, b"%d %s" % (error.errno or errno.ENOEXEC, os.fsencode(failure)))
    finally:
        os._exit(127)


def _arrange(descriptors: dict[int, int], tell: int) -> int:
    """Give each descriptor its number in the command; everything else is closed by exec."""
    import fcntl

    above = max([2, *descriptors.keys(), *descriptors.values(), tell]) + 1
    moved = {target: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, above) for target, source in descriptors.items()}
    tell = fcntl.fcntl(tell, fcntl.F_DUPFD_CLOEXEC, above)
    for target, source in moved.items():
        os.dup2(source, target)
    for standard in (0, 1, 2):
        if standard not in descriptors:
            os.close(standard)
    return tell


def _exec(command: list[bytes], env: dict[bytes, bytes]) -> None:
    """Execute a program that is looked for as execvp(3) does: a refusal counts more than an absence."""
    program = os.fsencode(command[0])
    if b"/" in program:
        os.execve(program, command, env)  # noqa: S606
    path = env.get(b"PATH") or os.defpath
    refused: OSError | None = None
    for directory in os.fsencode(path).split(b":"):
        try:
            os.execve((directory or b".") + b"/" + program, command, env)  # noqa: S606
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refused = refused or error
    raise refused or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
