"""execve(2) with an environment as it is, also where no dictionary could hold it; a script without #! by sh."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..launch import Launch

_SHELL = b"/bin/sh"


def execute(program: bytes, launch: Launch) -> None:
    """Become the command, whose program has this path; never returns.  OSError: as execve(2)."""
    try:
        _execute(program, launch.command, launch)
    except OSError as error:
        if error.errno != errno.ENOEXEC or not launch.shell_script:
            raise
        _execute(_SHELL, [_SHELL, program, *launch.command[1:]], launch)


def _execute(program: bytes, words: list[bytes], launch: Launch) -> None:
    if launch.entries is None:
        os.execve(program, words, launch.env)  # noqa: S606
    import ctypes  # os.execve() takes no empty name, no entry without =, and no name twice

    strings = words, launch.entries or []
    argv, envp = ((ctypes.c_char_p * (len(some) + 1))(*some) for some in strings)
    ctypes.CDLL(None, use_errno=True).execve(program, argv, envp)
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
