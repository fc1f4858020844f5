"""Start a guard from any process, threads or not: posix_spawn, so that no Python runs in a copy of the caller."""

from __future__ import annotations

import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = "import sys; sys.path[:0] = {path!r}; from pydfly.supervisor.guard import main; sys.exit(main({wire}))"


def guard(standard: list[int | None], passed: Iterable[int]) -> tuple[int, int]:
    """Start a guard.

    Args:
        standard: descriptors that become stdin, stdout and stderr; None for the caller's own.
        passed: descriptors that the command gets under their own numbers.

    Returns:
        The pid of the guard, which is a child of this process, and the socket to it.

    Raises:
        OSError: the guard could not be started.
    """
    passed = sorted(set(passed))
    mine, its = socket.socketpair()  # neither is inherited by programs that this process starts
    try:
        # a copy onto itself would stay close-on-exec on some systems: what is passed takes a way around
        around = max([2, its.fileno(), *passed]) + 1
        wire = around + 1
        actions: list[tuple[int, ...]] = []
        for number in passed:
            actions.append((os.POSIX_SPAWN_DUP2, number, around))
            actions.append((os.POSIX_SPAWN_DUP2, around, number))
        if passed:
            actions.append((os.POSIX_SPAWN_CLOSE, around))
        for number, descriptor in enumerate(standard):
            if descriptor is not None:
                actions.append((os.POSIX_SPAWN_DUP2, descriptor, number))
        actions.append((os.POSIX_SPAWN_DUP2, its.fileno(), wire))
        path = [_ROOT, *([] if sys.platform == "linux" else sys.path)]  # the BSDs' binding needs cffi's run time
        program = _PROGRAM.format(path=path, wire=wire)
        argv = [_interpreter(), "-I", "-S", "-c", program]
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    except BaseException:
        mine.close()
        raise
    finally:
        its.close()
    return pid, mine.detach()


def _interpreter() -> str:
    if not sys.executable:
        raise FileNotFoundError(2, "this Python does not know its own interpreter, which the guard needs")
    return sys.executable
