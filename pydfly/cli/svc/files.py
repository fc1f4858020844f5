"""The files of the daemons: where they are, which daemon owns them, and what a killed one has left.

DIR/service.LABEL.pid is locked by its daemon for its life; DIR/service.LABEL.sk is its socket.  The lock, not the
existence of a file, says whether a daemon lives.
"""

from __future__ import annotations

import _socket  # socket itself takes longer to load than all that a client does
import errno
import fcntl
import os
import stat
import sys
import time

SYSTEM = "/var/run"
"""Where the tool has its files."""

NOWHERE = "none"
"""-p none: no files."""

_LONGEST = 107 if sys.platform.startswith("linux") else 103  # bytes of sun_path, the NUL aside
_DYING = 0.3  # seconds in which a killed process has closed its files
_PAUSE = 0.01
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Active(Exception):
    """A daemon with this label lives."""


def default_directory() -> str:
    """Return where the files are when -p does not say: the tool's place on its system, one of ours elsewhere."""
    if sys.platform.startswith("dragonfly"):
        return SYSTEM
    if os.geteuid() == 0:
        from ...backends.registry.directory import MACHINE

        above = MACHINE if sys.platform.startswith("linux") else "/var/run/pydfly"
    else:
        import warnings

        from platformdirs import user_runtime_dir

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cron sets no XDG_RUNTIME_DIR; the way to the place is checked in any case
            above = user_runtime_dir("pydfly", ensure_exists=False)
    return os.path.join(above, "svc")


def make_directory(path: str) -> None:
    """Make the default directory, and those above it that are missing, for its owner only.

    The way to it is checked as that to the resident registry: no other user may be able to lead it elsewhere.

    Raises:
        OSError: it cannot be made, or another user owns it or something above it; ``strerror`` says which.
    """
    from ...backends.registry.directory import open_directory
    from ...errors import SyscallError

    above = path
    missing = [path]
    while not os.path.lexists(above := os.path.dirname(above)):
        missing.insert(0, above)
    for place in missing:
        try:
            open_directory(place).close()
        except SyscallError as error:
            raise OSError(error.errno, error.reason, place) from None


def labels(directory: str) -> list[str]:
    """Return the labels of the sockets in a directory; OSError: it cannot be read."""
    names = os.listdir(directory)
    return sorted(name[8:-3] for name in names if name.startswith("service.") and name.endswith(".sk"))


def socket_path(directory: str, label: str) -> str:
    """Return the path of a socket."""
    return os.path.join(directory, f"service.{label}.sk")


def pid_path(directory: str, label: str) -> str:
    """Return the path of a pid file."""
    return os.path.join(directory, f"service.{label}.pid")


class Files:
    """The pid file and the socket of one daemon, from now on its own; Active: another daemon has them."""

    def __init__(self, directory: str, label: str) -> None:
        self._pid_path = pid_path(directory, label)
        self._socket_path = socket_path(directory, label)
        if len(os.fsencode(self._socket_path)) > _LONGEST:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), self._socket_path)
        self._lock = _lock(self._pid_path)
        self.listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            os.ftruncate(self._lock, 0)
            _unlink(self._socket_path, FileNotFoundError)
            before = os.umask(0o177)  # bind(2) makes the file, and no other user must connect before a chmod
            try:
                self.listener.bind(self._socket_path)
            finally:
                os.umask(before)
            self.listener.listen(1024)
            self.listener.setblocking(False)
        except BaseException:
            self.listener.close()
            _unlink(self._pid_path, OSError)
            os.close(self._lock)
            raise

    def descriptors(self) -> tuple[int, int]:
        """Return the descriptors that the daemon must keep."""
        return self._lock, self.listener.fileno()

    def write_pid(self, pid: int) -> None:
        """Write the pid of the daemon."""
        os.pwrite(self._lock, b"%d\n" % pid, 0)

    def unlink(self) -> None:
        """Remove both; the lock is still held."""
        for path in (self._socket_path, self._pid_path):
            _unlink(path, OSError)

    def remove(self) -> None:
        """Remove both, and then give the lock up."""
        if self._lock >= 0:
            self.unlink()
        self.close()

    def close(self) -> None:
        """Let go of both in this process."""
        self.listener.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove_stale(directory: str, label: str) -> bool:
    """Remove what a killed daemon has left; False if one lives."""
    try:
        lock = _lock(pid_path(directory, label))
    except Active:
        return False
    try:
        _unlink(socket_path(directory, label), FileNotFoundError)
    finally:  # what has this name may not be a socket
        _unlink(pid_path(directory, label), FileNotFoundError)
        os.close(lock)
    return True


def _unlink(path: str, ignored: type[OSError]) -> None:
    try:
        os.unlink(path)
    except ignored:
        return


def _lock(path: str) -> int:
    """Open a pid file, making it if there is none, and lock it; one that was removed meanwhile is made again.

    A daemon that was killed a moment ago holds its lock until the kernel has got to closing its files.
    """
    end = time.monotonic() + _DYING
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor
        except FileNotFoundError:  # it was removed
            pass
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(descriptor)
                raise Active from None
            time.sleep(_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
