"""A service whose processes leave it: ``daemons.py COUNT KIND`` starts them, prints when they are there, and ends.

Kinds: ``plain`` daemons (double fork, a session of their own); ``stubborn`` ones, which ignore SIGTERM; ``hydra``
heads, which replace themselves by a new process every 5 ms; ``comet`` chains, which do so as fast as they can; ``dead``
children, which were not waited for.  The living ones end with the benchmark, whatever ends that: their standard input
is its pipe.  ``orphans`` are as many children that are orphaned and die at once, a hundred of each parent.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

HEAD_LIVES = 5  # milliseconds
BROOD = 100
SERVES = 0.3  # seconds: a service whose end is looked at has been running, not just been started


def main(count: int, kind: str) -> None:
    """Start them all, wait until they are what they are to be, tell the time and go."""
    if kind == "orphans":
        orphan(count)
    ready, announce = os.pipe()
    children = []
    for _ in range(count):
        children.append(os.fork())
        if children[-1] == 0:
            os.close(ready)
            if kind == "dead":
                os._exit(0)
            os.setsid()
            if os.fork() == 0:
                live(kind, announce)
            os._exit(0)
        if kind != "dead":
            os.wait()
    os.close(announce)
    while os.read(ready, 65536):
        pass
    if kind == "dead":
        for child in children:
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    if kind in {"plain", "hydra", "comet"}:
        time.sleep(SERVES)
    os.write(1, b"%r\n" % time.monotonic())
    os._exit(0)


def orphan(count: int) -> None:
    """Have that many processes orphaned, and end."""
    for _ in range(count // BROOD):
        if os.fork() == 0:
            for _ in range(BROOD):
                if os.fork() == 0:
                    os._exit(0)
            os._exit(0)
        os.wait()
    os._exit(0)


def live(kind: str, announce: int) -> None:
    """Be such a daemon until standard input ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if kind not in {"hydra", "comet"}:
        if kind == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # exec keeps that, and closes the pipe of those to come
        os.execvp("cat", ["cat"])
    os.close(announce)
    watched = select.poll()
    watched.register(0, select.POLLIN)
    while not watched.poll(HEAD_LIVES if kind == "hydra" else 0):
        if os.fork():
            os._exit(0)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
