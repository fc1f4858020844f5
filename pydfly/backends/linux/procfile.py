"""Files and directories of /proc, by their path or below an open descriptor of it, and the clock of start times."""

from __future__ import annotations

import os
import time

_booted: float | None = None
# root may mount anything over a file of /proc: the reader must not wait for a fifo, nor get a terminal of its own
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LONGEST = 1 << 22  # bytes: half a million pids


def read(path: str, directory: int | None = None) -> bytes:
    """Return the content of a small file of /proc; one read is one consistent snapshot.

    The path is below ``directory`` where that is given, a descriptor of /proc, which stays of use when /proc is
    unmounted or hidden under another mount.
    """
    descriptor = os.open(path, _READ, dir_fd=directory)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


def boot_time() -> float:
    """Return when the machine started, in seconds since the epoch: one number for good, though clocks jump."""
    global _booted
    if _booted is None:
        _booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return _booted


def moment() -> float:
    """Return the time now on the clock of start times, which does not jump, and counts suspension."""
    return boot_time() + time.clock_gettime(time.CLOCK_BOOTTIME)


def read_all(path: str, directory: int | None = None) -> bytes:
    """Return the whole content of a file of /proc that may be longer than one read."""
    descriptor = os.open(path, _READ, dir_fd=directory)
    try:
        content = part = os.read(descriptor, 65536)
        while part and len(content) < _LONGEST:  # a device may have no end
            part = os.read(descriptor, 65536)
            content += part
        return content
    finally:
        os.close(descriptor)


def names(path: str, directory: int | None = None) -> list[str]:
    """Return the names in a directory of /proc."""
    if directory is None:
        return os.listdir(path)
    descriptor = os.open(path, _READ | os.O_DIRECTORY, dir_fd=directory)
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def exists(path: str, directory: int | None = None) -> bool:
    """Say whether there is such a file, as far as this process may know."""
    try:
        os.stat(path, dir_fd=directory)
    except OSError:
        return False
    return True


def newest_pid() -> int | None:
    """Return the pid that the machine gave out last; None where that is not told: on the BSDs, or without that file."""
    try:
        return int(read("/proc/loadavg").split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def trouble(directory: int | None = None) -> str:
    """Say why /proc is of no use to this process, as the end of a sentence; empty where it is of use.

    ``directory`` is a descriptor of /proc; -1: it could not be opened.
    """
    try:
        shown = os.readlink("/proc/self" if directory is None else "self", dir_fd=directory)
    except OSError:
        shown = ""
    if shown == str(os.getpid()):
        return ""
    return f"{'belongs to another pid namespace' if shown else 'is not mounted'}: mount one that shows this process"
