"""Trees of processes that do nothing, for as long as a ``with`` block lasts.

Run as a program it is the top of such a tree: ``forest.py COUNT SHAPE``.  Every member waits for the end of its
standard input and then for its own child or children, so the trees end from below, no process is orphaned, and
none is left even when the benchmark itself is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SHAPES = ("flat", "deep")
_EXEC_EVERY = 50  # a fork copies a chain of records that grows with every fork above it (anon_vma); an exec cuts it


@contextmanager
def forest(count: int, shape: str) -> Iterator[None]:
    """Have ``count`` descendants: one with all the others as children (flat), or each the parent of the next (deep)."""
    lifeline, holder = os.pipe()
    ready, announce = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, lifeline, 0), (os.POSIX_SPAWN_DUP2, announce, 1)]
    pid = os.posix_spawn(sys.executable, _program(count, shape), os.environ, file_actions=actions)
    os.close(lifeline)
    os.close(announce)
    try:
        if len(_read(ready, count)) != count:
            raise RuntimeError(f"no {count} processes could be started")
        yield
    finally:
        os.close(holder)
        os.close(ready)
        os.waitpid(pid, 0)


def _program(count: int, shape: str) -> list[str]:
    return [sys.executable, "-I", "-S", __file__, str(count), shape]


def _read(descriptor: int, count: int) -> bytes:
    content = b""
    while len(content) < count and (part := os.read(descriptor, count)):
        content += part
    return content


def grow(count: int, shape: str) -> None:
    """Be the top of a tree of ``count`` processes, each of which writes one byte when it is there."""
    os.write(1, b".")
    children = []
    below = count - 1
    while below > 0:
        child = os.fork()
        if child:
            children.append(child)
            below = below - 1 if shape == "flat" else 0
        else:
            if shape == "deep" and below % _EXEC_EVERY == 0:
                os.execv(sys.executable, _program(below, shape))
            children = []
            os.write(1, b".")
            below = below - 1 if shape == "deep" else 0
    while os.read(0, 1):
        pass
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    grow(int(sys.argv[1]), sys.argv[2])
    os._exit(0)  # thousands of interpreters that tidy up would keep the machine busy for seconds
