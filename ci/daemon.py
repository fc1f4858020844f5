"""A usual daemon: forks twice, leaves its session, ignores SIGTERM, and tells its pid in a file."""

from __future__ import annotations

import os
import signal
import sys


def main(pid_file: str) -> None:
    """Become a daemon and sleep until killed."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(pid_file + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(pid_file + ".new", pid_file)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
