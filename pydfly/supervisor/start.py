"""Start a guard from any process, threads or not: posix_spawn, so that no Python runs in a copy of the caller."""

from __future__ import annotations

import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = (
    "import sys; sys.path[:0] = {path!r}; from pydfly.supervisor.guard import main; sys.exit(main({wire}, {owner}))"
)


def guard() -> tuple[int, int]:
    """Start a guard, without the environment of the caller.

    Returns:
        The pid of the guard, which is a child of this process, and the socket to it.

    Raises:
        OSError: the guard could not be started.
    """
    mine, its = socket.socketpair()  # neither is inherited by programs that this process starts
    try:
        wire = max(2, its.fileno()) + 1  # a copy onto itself would stay close-on-exec on some systems
        actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, 0, number) for number in (1, 2)]
        actions.append((os.POSIX_SPAWN_DUP2, its.fileno(), wire))
        path = [_ROOT, *([] if sys.platform == "linux" else sys.path)]  # the BSDs' binding needs cffi's run time
        program = _PROGRAM.format(path=path, wire=wire, owner=os.getpid())
        argv = [_interpreter(), "-I", "-S", "-c", program]
        pid = os.posix_spawn(argv[0], argv, _environment(), file_actions=actions)
    except BaseException:
        mine.close()
        raise
    finally:
        its.close()
    return pid, mine.detach()


def _environment() -> dict[str, str]:
    """Return what the interpreter itself may need to start."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _interpreter() -> str:
    if not sys.executable:
        raise FileNotFoundError(2, "this Python does not know its own interpreter, which the guard needs")
    return sys.executable
